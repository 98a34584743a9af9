"""Branches that lean along their input, against all random-sign weights of a block."""

import math

import numpy as np
import pytest

from tests.theory.averages import sign_matrices
from theory.residual import correlated_branches, norms


@pytest.mark.parametrize("lean", [-0.5, 0.3])
def test_growth_by_enumeration(lean: float) -> None:
    """All Rademacher weights of a block of width 2 and two hidden units, the gain 3/4."""
    x = np.array([1.0, 0.3])
    first, last = sign_matrices(2, 2, math.sqrt(2 / 2)), sign_matrices(2, 2, math.sqrt(0.75 / 2))
    outputs = np.array([x + lean * x + b @ np.maximum(a @ x, 0) for a in first for b in last])
    known = float(correlated_branches.block_growth(lean, 0.75))
    assert np.mean((outputs**2).sum(axis=1)) / (x @ x) == pytest.approx(known)


def test_special_cases() -> None:
    assert correlated_branches.block_growth(0, 2) == norms.block_growth(2)
    assert correlated_branches.block_growth(-0.5, 0) == 0.25
    assert correlated_branches.steady_gain(-0.5) == 0.75
    assert correlated_branches.steady_gain(0) == 0
    assert correlated_branches.block_growth(-1, correlated_branches.steady_gain(-1)) == 1


def test_domain_errors_name_the_argument() -> None:
    with pytest.raises(ValueError, match="gain is -1"):
        correlated_branches.block_growth(0, -1)
