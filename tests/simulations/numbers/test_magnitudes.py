"""Norms and rescaling against exact arithmetic and `math.hypot`."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import deep_forward, log2_square_norm, norm, rescale
from simulations.strategies import inputs


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_norm_of_extreme_entries(size: float) -> None:
    """A sum of n squares rounds n + 4 times at most, as does `math.hypot` (to one unit)."""
    x = size * np.array([[3.0, -4.0], [0.5, 0.0], [0.0, 0.0], [1e-9, 1.0]])
    np.testing.assert_allclose(norm(x), [math.hypot(*row) for row in x], rtol=8 * EPS, atol=0)


def test_norm_of_the_smallest_and_largest_number() -> None:
    for size in (5e-324, 1e-310, float(np.finfo(float).max)):
        assert norm(np.array([0.0, -size])) == size


@given(inputs(features=6))
def test_norm_is_hypot(x: Array) -> None:
    np.testing.assert_allclose(norm(x), [math.hypot(*row) for row in x], rtol=12 * EPS, atol=0)
    assert norm(x, axis=(0, 1)) == pytest.approx(math.hypot(*x.ravel()), rel=40 * EPS, abs=0)


@given(inputs(features=3))
def test_rescale_rounds_nothing(x: Array) -> None:
    start = np.full(len(x), 7, dtype=np.int64)
    mantissas, exponents = rescale(x, start)
    largest = abs(mantissas).max(axis=1)
    assert (((largest >= 0.5) & (largest < 1)) | ~x.any(axis=1)).all()
    assert (exponents[~x.any(axis=1)] == 7).all()
    for entry, mantissa, exponent in zip(x.ravel(), mantissas.ravel(), np.repeat(exponents, 3), strict=True):
        assert Fraction(entry) == Fraction(mantissa) * Fraction(2) ** int(exponent - 7)


def test_log2_square_norm() -> None:
    x, exponents = np.array([[3.0, 4.0], [0.0, 0.0]]), np.array([10**6, 5])
    np.testing.assert_allclose(log2_square_norm(x, exponents), [2 * (math.log2(5) + 10**6), -math.inf], rtol=4 * EPS)


def test_zeros_stay_zeros_at_any_depth() -> None:
    logs, x, _ = deep_forward(lambda position, x: 2 * x, 40, np.array([[0.0, 0.0], [1.0, 0.0]]))
    assert not x[0].any()
    np.testing.assert_array_equal(logs, np.stack([np.full(41, -np.inf), 2.0 * np.arange(41)], axis=1))


@pytest.mark.parametrize(("bad", "message"), [(math.inf, "block 5 "), (math.nan, "block 5 ")])
def test_a_block_that_is_not_finite_is_named(bad: float, message: str) -> None:
    with pytest.raises(OverflowError, match=message):
        deep_forward(lambda position, x: x * (bad if position == 5 else 1.0), 10, np.ones((1, 2)))


def test_growth_between_rescalings() -> None:
    """1e100 a block passes 1e308 in the fourth block after a rescaling, and never if every block is rescaled."""
    with np.errstate(over="ignore"), pytest.raises(OverflowError, match="block 3 "):
        deep_forward(lambda position, x: 1e100 * x, 50, np.ones((1, 2)))
    logs, *_ = deep_forward(lambda position, x: 1e100 * x, 50, np.ones((1, 2)), every=1)
    np.testing.assert_allclose(logs[:, 0], 1 + 2 * math.log2(1e100) * np.arange(51), rtol=50 * EPS)
