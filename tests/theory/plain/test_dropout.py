"""Moments of masked inputs against enumeration of all masks."""

import itertools

import numpy as np
import pytest

from theory.plain import dropout


def test_by_enumeration() -> None:
    keep, x = 0.3, np.array([1.0, -2.0, 0.5])
    masks = np.array(list(itertools.product((0, 1), repeat=len(x))))
    weights = np.prod(np.where(masks, keep, 1 - keep), axis=1)
    squares = np.sum((masks * x / keep) ** 2, axis=1)
    assert weights @ squares == pytest.approx(float(dropout.second_moment_factor(keep)) * (x @ x))
    assert weights @ squares**2 <= float(dropout.masked_square_bound(keep)) * (x @ x / keep) ** 2
    alone = dropout.masked_square_bound(keep)
    assert keep * keep**-4 == pytest.approx(float(alone) * keep**-2)


def test_he() -> None:
    assert float(dropout.he_variance(8, 1)) == 0.25
    assert float(dropout.he_variance(8, 0.8)) == pytest.approx(0.2)


@pytest.mark.parametrize("keep", [0, 1.5, -0.1])
def test_domain(keep: float) -> None:
    with pytest.raises(ValueError, match="keep"):
        dropout.second_moment_factor(keep)
