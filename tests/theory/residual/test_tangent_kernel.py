"""Traces of the tangent kernel against the law of one block and rows of the table."""

from collections.abc import Callable

import pytest
import sympy as sp
from scipy import stats

from theory.residual import tangent_kernel

N, H = sp.symbols("N H", integer=True, positive=True)


def test_rows_of_the_table() -> None:
    blocks = sp.Symbol("B", integer=True, positive=True)
    assert tangent_kernel.branch_trace(5, 6, 3, 1, 1) == 5 * 16 * (sp.Rational(3, 6) + sp.Rational(1, 2))
    assert tangent_kernel.branch_trace(5, 6, 3, 1, 0) == sp.Rational(5, 2)
    assert tangent_kernel.branch_trace(blocks, N, H, 1 / sp.sqrt(blocks), 0) == tangent_kernel.fixup_trace(N, H)
    assert tangent_kernel.fixup_trace(6, 3) == sp.Rational(1, 2)


def test_one_block_by_its_law() -> None:
    """The variance of one block, from S, T and K."""
    n, h, a1, a2 = 5, 3, 0.9, 0.8
    weights = stats.binom(h, 0.5).pmf(range(h + 1))
    first, last = 2 * a1**2 / n, a2**2 / h
    mean = sum(w * k * (first + last) for k, w in enumerate(weights))
    square = sum(w * (2 * k * (first**2 + last**2) + (k * (first + last)) ** 2) for k, w in enumerate(weights))
    bound = tangent_kernel.branch_trace_variance_bound(1, n, h, a1, a2)
    assert float(bound) == pytest.approx(square - mean**2)


def test_under_fixup_blocks_are_independent_and_the_variance_falls_with_width_and_depth() -> None:
    bound = [tangent_kernel.branch_trace_variance_bound(9, n, n, sp.Rational(1, 3), 0) for n in (10, 20)]
    one = [tangent_kernel.branch_trace_variance_bound(1, n, n, sp.Rational(1, 3), 0) for n in (10, 20)]
    assert bound == [9 * variance for variance in one] == [sp.Rational(5, 90), sp.Rational(5, 180)]


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (tangent_kernel.branch_trace, (0, 3, 3, 1, 1), "blocks is 0"),
        (tangent_kernel.branch_trace, (1, 3, 3, -1, 1), "first_scale is -1"),
    ],
)
def test_domain_errors_name_the_argument(
    function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
