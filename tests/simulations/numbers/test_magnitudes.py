"""Norms and rescaling against exact arithmetic and `math.hypot`."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import log2_square_norm, norm, rescale
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
