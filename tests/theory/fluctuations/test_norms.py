"""Moments and logarithms of squared norms against quadrature and numbers quoted in the literature."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import sympy as sp
from scipy import integrate, special, stats

from theory.fluctuations import norms as fluctuations


def log_ratio_moment(width: int, power: int) -> float:
    """Average a power of log((2/n) chi^2_K), K ~ Bin(n, 1/2) given K > 0, by quadrature."""
    active = np.arange(1, width + 1)
    weights = stats.binom(width, 0.5).pmf(active) / (1 - 0.5**width)
    law = (stats.chi2(k) for k in active)
    means = [
        integrate.quad(
            lambda u, t=t: (u + math.log(2 / width)) ** power * t.pdf(math.exp(u)) * math.exp(u), -60, 8, limit=400
        )
        for t in law
    ]
    return float(np.dot(weights, [value for value, _ in means]))


def test_fourth_moment_quoted() -> None:
    """The input of width 7 does not count."""
    widths = [10, 14, 6, 12]
    assert float(fluctuations.fourth_moment_ratio(widths)) == pytest.approx(5.287, abs=5e-4)
    assert fluctuations.relative_variance(widths) == fluctuations.fourth_moment_ratio(widths) - 1
    width = sp.Symbol("N", integer=True, positive=True)
    assert fluctuations.relu_ratio_moment(2, width) == 1 + 5 / width


@pytest.mark.parametrize("order", range(1, 7))
@pytest.mark.parametrize("width", [1, 3, 8])
def test_ratio_moments(order: int, width: int) -> None:
    active = np.arange(width + 1)
    given = [(2 / width) ** order * np.prod(k + 2.0 * np.arange(order)) for k in active]
    oracle = np.dot(stats.binom(width, 0.5).pmf(active), given)
    assert float(fluctuations.relu_ratio_moment(order, width)) == pytest.approx(oracle)


@pytest.mark.slow
@pytest.mark.parametrize("width", [2, 10])
def test_logarithms(width: int) -> None:
    assert float(fluctuations.relu_lyapunov(width)) == pytest.approx(log_ratio_moment(width, 1), rel=1e-7)
    assert float(fluctuations.relu_log_second_moment(width)) == pytest.approx(log_ratio_moment(width, 2), rel=1e-7)
    variance = log_ratio_moment(width, 2) - log_ratio_moment(width, 1) ** 2
    assert float(fluctuations.relu_log_variance(width)) == pytest.approx(variance, rel=1e-6)
    assert float(fluctuations.linear_lyapunov(width)) == pytest.approx(special.digamma(width / 2) + math.log(2 / width))
    assert float(fluctuations.linear_log_variance(width)) == pytest.approx(special.polygamma(1, width / 2))


def test_leading_order_of_the_lyapunov_exponent() -> None:
    assert float(fluctuations.relu_lyapunov(10)) == pytest.approx(-0.3075, abs=5e-5)
    assert fluctuations.relu_lyapunov_leading(10) == -sp.Rational(1, 4)
    errors = [float(fluctuations.relu_lyapunov(n) - fluctuations.relu_lyapunov_leading(n)) for n in (50, 100)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)
    for n in (*range(1, 41), 100, 300):
        assert abs(float(fluctuations.relu_lyapunov(n) - fluctuations.relu_lyapunov_leading(n))) < 6 / n**2


def test_depth_forty_width_sixty() -> None:
    assert 40 * float(fluctuations.relu_lyapunov(60)) == pytest.approx(-1.714, abs=5e-4)
    assert 40 * float(fluctuations.relu_log_variance(60)) == pytest.approx(3.579, rel=0.01)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (fluctuations.relu_ratio_moment, (9, 3), "order is 9"),
        (fluctuations.relu_lyapunov, (0,), "width is 0"),
    ],
)
def test_domain_errors_name_the_argument(
    function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
