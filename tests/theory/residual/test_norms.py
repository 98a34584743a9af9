"""Growth of the residual stream, against all random-sign weights of a block and quoted powers."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import sympy as sp

from tests.theory.averages import sign_matrices
from theory.residual import norms as residual

N = sp.Symbol("N", integer=True, positive=True)


def test_growth_by_enumeration() -> None:
    """All Rademacher weights of a block of width 2 and two hidden units."""
    x = np.array([1.0, 0.3])
    first, last = sign_matrices(2, 2, math.sqrt(2 / 2)), sign_matrices(2, 2, math.sqrt(1 / 2))
    outputs = np.array([x + b @ np.maximum(a @ x, 0) for a in first for b in last])
    assert np.mean((outputs**2).sum(axis=1)) / (x @ x) == pytest.approx(float(residual.block_growth()))
    variance = outputs.var(axis=0).mean() / (x @ x / 2)
    assert variance == pytest.approx(float(residual.variance_at_fixed_input(1)))


def test_doubling_tripling_and_depth() -> None:
    assert residual.block_growth(residual.branch_gain(1, 1)) == 2
    assert residual.block_growth(residual.branch_gain(1, sp.sqrt(2))) == 3
    assert residual.second_moment_growth(1, 4) == 16
    assert residual.second_moment_growth(2, 3) == residual.backward_growth(2, 3) == 27
    assert sp.limit(residual.second_moment_growth(1 / N, N), N, sp.oo) == sp.E


def test_variance_is_one_less_than_the_second_moment() -> None:
    variances = [residual.variance_at_fixed_input(blocks) for blocks in range(5)]
    assert variances == [0, 1, 3, 7, 15]


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (residual.block_growth, (-1,), "branch_gain is -1"),
        (residual.second_moment_growth, (1, -2), "blocks is -2"),
    ],
)
def test_domain_errors_name_the_argument(
    function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
