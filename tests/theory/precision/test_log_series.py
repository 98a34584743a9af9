"""Remainders of the series of the logarithm, against mpmath at single numbers."""

import mpmath
import pytest
import sympy as sp

from theory.precision import log_series


def _remainder(x: float, terms: int) -> float:
    with mpmath.workdps(60):
        exact = mpmath.log1p(mpmath.mpf(x))
        return float(abs(exact - sum(-((-mpmath.mpf(x)) ** k) / k for k in range(1, terms + 1))))


@pytest.mark.parametrize("x", [-0.9, -0.5, 0.3, 0.9])
@pytest.mark.parametrize("terms", [1, 2, 7, 30])
def test_bounds_hold_on_both_sides(x: float, terms: int) -> None:
    found = _remainder(x, terms)
    assert float(log_series.least_error(abs(x), terms)) <= found <= float(log_series.largest_error(abs(x), terms))


@pytest.mark.parametrize("x", [1.0, 1.25, 4.0])
def test_outside_there_is_no_upper_bound(x: float) -> None:
    assert log_series.largest_error(x, 10) == sp.oo
    assert float(log_series.least_error(x, 40)) <= _remainder(x, 40)


def test_terms_grow_outside() -> None:
    assert log_series.growth_of_terms(sp.Rational(1, 2)) < 1 < log_series.growth_of_terms(2)


def test_no_terms_are_refused() -> None:
    with pytest.raises(ValueError, match="terms is 0"):
        log_series.least_error(0.5, 0)
