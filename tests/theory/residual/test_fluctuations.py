"""Second moments of a block's ratio against the noncentral chi-square law."""

from collections.abc import Callable

import pytest
import sympy as sp
from scipy import integrate, stats

from theory.residual import fluctuations as residual_fluctuations

N = sp.Symbol("N", integer=True, positive=True)


@pytest.mark.slow
def test_block_ratio_against_its_law() -> None:
    n, h, gain = 3, 2, 0.7

    def given(s: float) -> float:
        rho2 = 2 * gain / (n * h) * s
        return float(stats.ncx2(n, 1 / rho2).moment(2)) * rho2**2 if s else 1.0

    weights = stats.binom(h, 0.5).pmf(range(h + 1))
    oracle = weights[0] + sum(
        weights[k] * integrate.quad(lambda s, k=k: given(s) * stats.chi2(k).pdf(s), 1e-12, 80)[0] for k in (1, 2)
    )
    assert float(residual_fluctuations.block_ratio_second_moment(n, h, gain)) == pytest.approx(oracle, rel=1e-4)


def test_relative_second_moment() -> None:
    per_block = residual_fluctuations.growth_relative_second_moment(N, N, 1, 1)
    assert sp.limit((per_block - 1) * N, N, sp.oo) == sp.Rational(11, 4)
    depth_free = residual_fluctuations.growth_relative_second_moment(8, 8, 1 / N, N)
    assert sp.limit(depth_free, N, sp.oo) == sp.exp(sp.Rational(1, 2))


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (residual_fluctuations.block_ratio_second_moment, (0, 3), "width is 0"),
    ],
)
def test_domain_errors_name_the_argument(
    function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
