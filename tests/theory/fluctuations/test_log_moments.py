"""Cumulants of log-norms against SciPy's laws."""

import numpy as np
import pytest
import sympy as sp
from scipy import stats

from theory.fluctuations import log_moments


@pytest.mark.slow
def test_cumulants_against_quadrature() -> None:
    """A mixture over the number of active units of logarithms of chi-square variables."""
    n, units = 5, np.arange(1, 6)
    weights = stats.binom.pmf(units, n, 0.5) / (1 - 0.5**n)

    def average(power: int, shift: float) -> float:
        values = [stats.chi2(k).expect(lambda t: (np.log(2 * t / n) - shift) ** power) for k in units]
        return float(weights @ values)

    mean = average(1, 0.0)
    variance, fourth = average(2, mean), average(4, mean)
    assert float(log_moments.log_mean([n, n])) == pytest.approx(2 * mean)
    assert float(log_moments.log_variance([n, n])) == pytest.approx(2 * variance)
    assert float(log_moments.log_fourth_cumulant([n, n])) == pytest.approx(2 * (fourth - 3 * variance**2), rel=1e-5)


@pytest.mark.slow
def test_leading_order() -> None:
    assert log_moments.leading_beta([60] * 40) == sp.Rational(10, 3)
    errors = [float(log_moments.log_variance([n])) * n / 5 - 1 for n in (40, 80)]
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.1)
