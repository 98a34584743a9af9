"""Variances of log-norms by shape, beside sums over layers."""

from collections.abc import Callable

import numpy as np
import pytest
import sympy as sp
from scipy import special, stats

from theory.fluctuations import log_moments, shape_collapse


def log_variance(width: int) -> float:
    """Var log r of one layer, from SciPy's polygamma functions and binomial law."""
    k = np.arange(1, width + 1)
    weights = stats.binom.pmf(k, width, 0.5) / (1 - 0.5**width)
    means = special.digamma(k / 2)
    return float(weights @ (means**2 + special.polygamma(1, k / 2)) - (weights @ means) ** 2)


@pytest.mark.parametrize("widths", [(6, 4, 3), (3, 6, 4), (16, 2, 16)])
def test_exact_variance_is_a_sum_in_any_order(widths: tuple[int, ...]) -> None:
    assert float(log_moments.log_variance(widths)) == pytest.approx(sum(map(log_variance, widths)))


def test_second_order_is_what_is_left() -> None:
    """Of a layer of 1,000 and of two layers of 500 and 2,000; what remains falls like 1/n^2."""
    for widths in ((1000,), (500, 2000)):
        beta = 5 * sum(1 / n for n in widths)
        left = sum(map(log_variance, widths)) / beta - 1
        assert left == pytest.approx(float(shape_collapse.excess(widths)), rel=0.02)
    errors = [log_variance(n) * n / 5 - 1 - float(shape_collapse.excess([n])) for n in (250, 500)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.05)


def test_weights_are_inverse_widths() -> None:
    assert shape_collapse.excess([20, 40]) == sp.Rational(37, 10) * sp.Rational(5, 1600) / sp.Rational(3, 40)


def test_expansions_are_as_near_as_they_say() -> None:
    for n in (*range(1, 41), 60, 100, 200, 500, 1000):
        if n >= shape_collapse.NARROWEST:
            assert abs(log_variance(n) * n / 5 - 1 - float(shape_collapse.excess([n]))) < 25 / n**2
        assert abs(log_variance(n) - float(log_moments.leading_beta([n]))) < 40 / n**2


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (shape_collapse.excess, ([],), "no widths"),
        (shape_collapse.excess, ([30, 0],), "widths is 0"),
        (shape_collapse.excess, ([30, 8],), "widths is 8; expected an integer of at least 20"),
    ],
)
def test_domain_errors_name_the_argument(
    function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
