"""The variance of a walk's square norm, by sampling and in a case that is known."""

import numpy as np
import pytest

from theory.transformer import random_walk


def test_from_nothing_it_is_that_of_chi_square() -> None:
    assert random_walk.norm_variance(0, 7, 1, 0) == 14


def test_by_sampling() -> None:
    rng, start = np.random.default_rng(1), np.array([1.0, -2.0, 0.5])
    sizes = rng.choice([0.5, 2.0], size=(400_000, 1))  # of mean 1.25 and variance .5625
    squares = ((start + np.sqrt(sizes) * rng.standard_normal((400_000, 3))) ** 2).sum(axis=1)
    assert squares.var() == pytest.approx(float(random_walk.norm_variance(start @ start, 3, 1.25, 0.5625)), rel=0.02)


def test_domain_errors_name_the_argument() -> None:
    with pytest.raises(ValueError, match="coordinates is 0"):
        random_walk.norm_variance(1, 0, 1, 1)
