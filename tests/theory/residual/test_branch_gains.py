"""Branch gains and moments of a block's ratio, against the noncentral chi-square law."""

import pytest
import sympy as sp
from scipy import integrate, stats

from theory.residual import branch_gains
from theory.residual import fluctuations as residual_fluctuations


def test_growth() -> None:
    assert branch_gains.growth([1, 1, 1]) == 8
    assert branch_gains.growth([1 / sp.sqrt(2)] * 2) == sp.Rational(9, 4)
    assert branch_gains.unzeroed_growth(3, 2) == sp.Rational(10, 9) ** 3
    assert float(branch_gains.unzeroed_growth(4, 3)) == pytest.approx((1 + 4**-1.5) ** 4)
    with pytest.raises(ValueError, match="at least 2"):
        branch_gains.unzeroed_growth(3, 1)


def test_shares_add_up() -> None:
    assert sum(branch_gains.share_after(5 - i) for i in range(5)) + branch_gains.share_after(5) == 1


@pytest.mark.slow
@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_moments_against_the_noncentral_law(order: int) -> None:
    n, h, gain = 3, 2, 0.7

    def given(s: float) -> float:
        rho2 = 2 * gain / (n * h) * s
        return float(stats.ncx2.moment(order, n, 1 / rho2)) * rho2**order

    masks = stats.binom(h, 0.5).pmf(range(h + 1))
    oracle = masks[0] + sum(
        masks[k] * integrate.quad(lambda s, law=law: given(s) * law.pdf(s), 1e-9, 120, limit=200)[0]
        for k, law in ((1, stats.chi2(1)), (2, stats.chi2(2)))
    )
    assert float(branch_gains.block_ratio_moment(order, n, h, gain)) == pytest.approx(oracle, rel=1e-3)


def test_second_moments_agree() -> None:
    expected = residual_fluctuations.block_ratio_second_moment(5, 7, 2)
    assert sp.simplify(branch_gains.block_ratio_moment(2, 5, 7, 2) - expected) == 0
    assert sp.simplify(branch_gains.deep_block_ratio_second_moment(5, [7], 2) - expected) == 0
    with pytest.raises(ValueError, match="order is 5"):
        branch_gains.block_ratio_moment(5, 2, 2)
