"""Scalar-branch nets, against all random signs of their entries and moments of other laws."""

import itertools

import numpy as np
import pytest
import sympy as sp

from theory.residual import scalar_branches


@pytest.mark.parametrize(("blocks", "deviations"), [(1, (1.0,)), (3, (1.0, 1.0)), (2, (0.5, 2.0, 0.7))])
def test_moments_by_enumeration(blocks: int, deviations: tuple[float, ...]) -> None:
    """All signs of the entries, of any size; slopes from the product of the other factors."""
    signs = np.array(list(itertools.product((-1, 1), repeat=blocks * len(deviations))))
    entries = signs.reshape(-1, blocks, len(deviations)) * deviations
    factors = 1 + entries.prod(axis=-1)
    outputs = factors.prod(axis=1)
    slopes = factors[:, 1:].prod(axis=1) * entries[:, 0, 1:].prod(axis=1)
    halves = np.square(outputs[:, None] - outputs).ravel() / 2
    variances = [deviation**2 for deviation in deviations]
    assert np.mean(outputs**2) == pytest.approx(float(scalar_branches.mean_square(variances, blocks)))
    assert outputs.var() == pytest.approx(float(scalar_branches.variance_at_fixed_input(variances, blocks)))
    assert np.mean(slopes**2) == pytest.approx(float(scalar_branches.entry_gradient_square(variances, blocks)))
    spreads = scalar_branches.spreads(variances, [variance**2 for variance in variances], blocks)
    assert [np.var(one) for one in (outputs**2, halves, slopes**2)] == pytest.approx([float(one) for one in spreads])


def test_random_signs_double_the_mean_square() -> None:
    """2, 4, 8, ... for any number of entries in a branch; the variance at a fixed input is one less."""
    for entries in (1, 2, 5):
        assert [scalar_branches.mean_square([1] * entries, blocks) for blocks in range(1, 7)] == [2, 4, 8, 16, 32, 64]
    assert scalar_branches.variance_at_fixed_input([1], 6) == 63


def test_fixups_scale_bounds_the_growth_by_e() -> None:
    blocks = sp.Symbol("L", integer=True, positive=True)
    assert sp.limit(scalar_branches.mean_square([1 / blocks], blocks), blocks, sp.oo) == sp.E


def test_domain_errors_name_the_argument() -> None:
    with pytest.raises(ValueError, match="variances is empty"):
        scalar_branches.mean_square([], 1)
    with pytest.raises(ValueError, match="variances is -1"):
        scalar_branches.mean_square([-1], 1)
    with pytest.raises(ValueError, match="blocks is -1"):
        scalar_branches.variance_at_fixed_input([1], -1)
