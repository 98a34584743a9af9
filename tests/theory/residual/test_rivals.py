"""Fixup's rivals against their recursions in floats and an average over masks."""

import math

import numpy as np
import pytest
from scipy import stats

from theory.residual import rivals


@pytest.mark.parametrize(("blocks", "c"), [(1, 1), (5, 2), (30, 0.5)])
def test_shares_by_recursion(blocks: int, c: float) -> None:
    shares = [1.0]
    for block in range(1, blocks + 1):
        square = 1 / (block + c)
        shares = [share * (1 - square) for share in shares] + [square]
    assert math.fsum(shares) == pytest.approx(1)
    assert shares[0] == pytest.approx(float(rivals.shao_start_share(blocks, c)))
    assert shares[1:] == pytest.approx([float(rivals.shao_branch_share(blocks, c))] * blocks)


def test_nf_book_by_recursion() -> None:
    norm = book = 1.0
    for block in range(7):
        assert norm == pytest.approx(float(rivals.nf_variance(block, 0.3)))
        norm, book = norm * (1 + 0.09 / book), book + 0.09
    assert float(rivals.nf_reset(0.3)) == pytest.approx(1.09)


def test_moments_by_enumeration_of_masks() -> None:
    """Chi-square moments given K active units of h, averaged over the binomial law of K."""
    n, h, alpha = 3, 5, 0.8
    active = np.arange(h + 1)
    weights = stats.binom(h, 0.5).pmf(active)
    rho2 = 2 / (n * h) * active
    rho4 = (2 / (n * h)) ** 2 * active * (active + 2)
    reset = n * (n + 2) * (1 / n**2 + 2 * alpha**2 * rho2 / n + alpha**4 * rho4)
    assert weights @ reset == pytest.approx(float(rivals.nf_reset_second_moment(n, h, alpha)))
    update, fourth = weights @ rho2, 3 * weights @ rho4
    assert 4 * update == pytest.approx(float(rivals.multiplier_update(4, n)))
    assert 4 * (fourth - update**2) == pytest.approx(float(rivals.multiplier_variance(4, n, h)))


def test_domains() -> None:
    with pytest.raises(ValueError, match="blocks is 0; expected an integer of at least 1"):
        rivals.shao_branch_share(0, 1)
    with pytest.raises(ValueError, match="c is 0; expected a positive number"):
        rivals.shao_start_share(2, 0)
    with pytest.raises(ValueError, match="alpha is -1"):
        rivals.nf_variance(2, -1)
