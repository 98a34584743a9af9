"""The error of the gradient-independence assumption against moments added unit by unit, by quadrature."""

import itertools
import math

import pytest
import sympy as sp
from scipy import integrate, stats

from theory.independence import gradient_independence

Moments = dict[tuple[int, int], float]


def one_unit() -> Moments:
    """E r^a b^c for r the positive part of a standard normal and b = 1 where it is positive."""
    return {
        (a, c): 1.0 if a == c == 0 else integrate.quad(lambda g, a=a: g**a * stats.norm.pdf(g), 0, 12)[0]
        for a, c in itertools.product(range(5), range(3))
    }


def added(units: int) -> Moments:
    """E S^a K^c for the sums of r and b over units, one after the other."""
    one, total = one_unit(), {key: float(key == (0, 0)) for key in one_unit()}
    for _ in range(units):
        total = {
            (a, c): sum(
                math.comb(a, i) * math.comb(c, j) * total[i, j] * one[a - i, c - j]
                for i in range(a + 1)
                for j in range(c + 1)
            )
            for a, c in one
        }
    return total


@pytest.mark.parametrize("width", [1, 2, 5, 16])
def test_mean_and_variance(width: int) -> None:
    sums, rest = added(width), width - 1
    mean = 2 / width**2 * (sums[2, 0] + rest * sums[0, 1])
    square = 4 / width**4 * (sums[4, 0] + 2 * rest * sums[2, 1] + rest * (rest + 2) * sums[0, 2])
    assert float(gradient_independence.ones_ratio(width)) == pytest.approx(mean, rel=1e-7)
    assert float(gradient_independence.ones_ratio_variance(width)) == pytest.approx(square - mean**2, rel=1e-6)


def test_the_error_stays_in_the_wide_limit() -> None:
    n = sp.Symbol("n", integer=True, positive=True)
    limit = gradient_independence.ones_ratio(sp.oo)
    assert limit == 1 + 1 / sp.pi
    assert sp.limit(n * (limit - gradient_independence.ones_ratio(n)), n, sp.oo) == 1 / sp.pi
    assert sp.limit(n * gradient_independence.ones_ratio_variance(n), n, sp.oo).is_positive
    assert gradient_independence.ones_ratio(1) == 1


def test_domains() -> None:
    for function in (gradient_independence.ones_ratio, gradient_independence.ones_ratio_variance):
        with pytest.raises(ValueError, match="width"):
            function(0)
        with pytest.raises(ValueError, match="width"):
            function(2.5)
