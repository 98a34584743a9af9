"""Lengths and correlations of wide tanh nets against quadrature."""

import math

import pytest
from scipy import integrate

from theory.mean_field import tanh_correlation, tanh_maps


@pytest.mark.parametrize(("variance", "rel"), [(0.01, 1e-13), (1, 1e-13), (4, 1e-13), (16, 1e-8)])
def test_length(variance: float, rel: float) -> None:
    slow = tanh_maps.next_variance(1.3, variance)
    assert tanh_correlation.next_length(1.3, variance) == pytest.approx(slow, rel=rel)


@pytest.mark.parametrize("correlation", [-0.7, 0.2, 0.9])
def test_covariance(correlation: float) -> None:
    variance, apart = 2.1, math.sqrt(1 - correlation**2)

    def integrand(t: float, u: float) -> float:
        product = math.tanh(math.sqrt(variance) * u) * math.tanh(math.sqrt(variance) * (correlation * u + apart * t))
        return product * math.exp(-(u * u + t * t) / 2) / (2 * math.pi)

    slow, _ = integrate.dblquad(integrand, -9, 9, -9, 9, epsabs=1e-11)
    assert tanh_correlation.covariance(variance, correlation) == pytest.approx(slow, abs=1e-10)


def test_ends() -> None:
    assert tanh_correlation.next_correlation(2, 1.5, 1) == pytest.approx(1, abs=1e-13)
    assert tanh_correlation.next_correlation(2, 1.5, 0) == pytest.approx(0, abs=1e-15)


def test_refuses() -> None:
    with pytest.raises(ValueError, match="16"):
        tanh_correlation.next_length(1, 17)
    with pytest.raises(ValueError, match="variance"):
        tanh_correlation.next_length(1, -1)
    with pytest.raises(ValueError, match="from -1 to 1"):
        tanh_correlation.covariance(1, 1.1)
