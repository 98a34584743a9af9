"""Variances of paths against the binomial law and enumeration of paths."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from theory.residual import paths


def test_equal_gains_are_binomial() -> None:
    found = np.array([float(value) for value in paths.path_variances([0.3] * 5)])
    assert found / 1.3**5 == pytest.approx(stats.binom(5, 0.3 / 1.3).pmf(range(6)))
    assert float(paths.mean_branches([0.3] * 5)) == pytest.approx(5 * 0.3 / 1.3)


def test_normalised() -> None:
    gains = [paths.normalised_gain(block) for block in range(1, 7)]
    assert sum(paths.path_variances(gains)) == 7
    assert float(paths.mean_branches(gains)) == pytest.approx(sum(1 / (block + 1) for block in range(1, 7)))


def test_uneven_gains() -> None:
    gains = (0.2, 0.5, 1.5)
    found = [0.0] * 4
    for taken in itertools.product((0, 1), repeat=3):
        found[sum(taken)] += math.prod(g for g, one in zip(gains, taken, strict=True) if one)
    assert [float(value) for value in paths.path_variances(gains)] == pytest.approx(found)


def test_bounds_are_above_the_square_of_the_mean() -> None:
    means = paths.path_variances([0.5] * 4)
    bounds = paths.fourth_moment_bounds([0.5] * 4, 8, 8)
    assert all(float(bound) >= float(value) ** 2 for bound, value in zip(bounds, means, strict=True))
    assert float(paths.fourth_moment_bounds([1], 8, 8)[1]) == pytest.approx((1 + 2 / 8) * (1 + 5 / 8))
