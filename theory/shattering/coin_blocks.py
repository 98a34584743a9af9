r"""One residual block whose masks are independent coins: what it makes of two gradients g_1, g_2 from above.

Blocks x' = x + a W2 D W1 x of equal widths n, "He then LeCun", with the factor 2 of He counted where the masks are:
u_a = D_a W2^T g_a has the mean square norm of g_a, and h_a = a W1^T u_a, W1 of variance 1/n, comes through the
branch. Exact at every width: means of g_1'.g_2' (`block`), ||g'||^2 (`square_norm`) and of their squares and products.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation
from theory.rules import equal
from theory.shattering import masks as shattered
from theory.shattering.block import BRANCH
from theory.shattering.masks import FIRST, SECOND, SHARED, in_a_plane
from theory.symbols import N
from theory.written_out import WrittenOut, at_sizes, coin, matrix, normal

BELOW, BELOW_PRODUCT, ONE, TWO = sp.symbols(r"u_1^{T}u_2 \|u_1\|^2\|u_2\|^2 \|u_1\|^2 \|u_2\|^2", real=True)
"""Of u_a = D_a W2^T g_a: what reaches the first weights of a branch."""
ENDS, BETWEEN, END, OTHER_END, OWN, OTHER_OWN = sp.symbols(
    r"g_1^{T}h_2+g_2^{T}h_1 h_1^{T}h_2 g_1^{T}h_1 g_2^{T}h_2 \|h_1\|^2 \|h_2\|^2", real=True
)
"""Of h_a = a W1^T u_a: what comes through a branch."""


@cache
def block() -> Derivation:
    """Derive the factor by which a block with independent masks multiplies the correlation."""
    return (
        Derivation.begin(
            "Correlation of gradients in a block of independent masks",
            "The inner product of g_a + h_a, h_a = a W1^T u_a the part through the branch, for one gradient g above.",
            FIRST + ENDS + BETWEEN,
        )
        .then(
            "Average over W1, normal of variance 1/n.",
            FIRST + BRANCH * BELOW,
            at_sizes(_over_first, (2, True), (3, True), (4, True)),
        )
        .then(
            "Average over W2 and the masks, coins at each input: co-active units are half of the active ones.",
            FIRST + BRANCH * FIRST / 2,
            at_sizes(_over_last, (2, True), (3, True), (4, True)),
        )
        .then(
            "Divide by the mean of ||g + h||^2, to which the branch adds a^2 of ||g||^2.",
            (1 + BRANCH / 2) / (1 + BRANCH),
            lambda before, now: equal(before / square_norm().result, now),
        )
        .then("Half of the branch's share a^2 / (1 + a^2) is lost.", 1 - BRANCH / (1 + BRANCH) / 2)
    )


@cache
def square_norm() -> Derivation:
    """Derive the mean of ||g + h||^2 below a block."""
    return (
        Derivation.begin("Square norm of a gradient below a block", "Expand ||g + h||^2.", FIRST + 2 * END + OWN)
        .then(
            "Average over W1, normal of variance 1/n.",
            FIRST + BRANCH * ONE,
            at_sizes(_over_first, (2, False), (3, False), (4, False)),
        )
        .then(
            "Average over W2 and the masks.",
            (1 + BRANCH) * FIRST,
            at_sizes(_over_last, (2, False), (3, False), (4, False)),
        )
    )


@cache
def square_of_inner_product() -> Derivation:
    """Derive E (g1'.g2')^2 below one block, the masks being independent coins."""
    crossed = BRANCH * (FIRST * TWO + SECOND * ONE + 2 * SHARED * BELOW) / N
    squared = BRANCH**2 * (BELOW**2 + (BELOW_PRODUCT + BELOW**2) / N)
    product, square = shattered.product_of_squares().result, shattered.square_of_inner_product().result
    return (
        Derivation.begin(
            "Square of the inner product below a block of independent masks",
            "Expand the inner product of g_a + h_a, with h_a = a W1^T u_a the part through the branch, and square.",
            (SHARED + ENDS + BETWEEN) ** 2,
        )
        .then(
            "Average over W1, normal of variance 1 / n.",
            SHARED**2 + 2 * SHARED * BRANCH * BELOW + crossed + squared,
            at_sizes(_over_first, (2, False), (3, False), (4, False)),
        )
        .then(
            "Average over W2 and the masks, as in a plain layer.",
            SHARED**2 * (1 + BRANCH + BRANCH / N)
            + 2 * BRANCH * FIRST * SECOND / N
            + BRANCH**2 * (square + (product + square) / N),
            at_sizes(_over_last, (2, False), (3, False), (4, False)),
        )
    )


@cache
def product_of_squares() -> Derivation:
    """Derive E ||g1'||^2 ||g2'||^2 below one block, the masks being independent coins."""
    over_w1 = (
        FIRST * SECOND
        + BRANCH * (FIRST * TWO + SECOND * ONE)
        + 4 * BRANCH * SHARED * BELOW / N
        + BRANCH**2 * (BELOW_PRODUCT + 2 * BELOW**2 / N)
    )
    product, square = shattered.product_of_squares().result, shattered.square_of_inner_product().result
    return (
        Derivation.begin(
            "Product of the square norms below a block of independent masks",
            "Expand the square norms of g_a + h_a and multiply.",
            (FIRST + 2 * END + OWN) * (SECOND + 2 * OTHER_END + OTHER_OWN),
        )
        .then(
            "Average over W1, normal of variance 1 / n.",
            over_w1,
            at_sizes(_over_first, (2, False), (3, False), (4, False)),
        )
        .then(
            "Average over W2 and the masks, as in a plain layer.",
            FIRST * SECOND * (1 + 2 * BRANCH) + 2 * BRANCH * SHARED**2 / N + BRANCH**2 * (product + 2 * square / N),
            at_sizes(_over_last, (2, False), (3, False), (4, False)),
        )
    )


def _over_first(width: int, one_gradient: bool) -> WrittenOut:
    """Write out what W1 makes of fixed u_a: h_a = a W1^T u_a, W1 normal of variance 1 / width."""
    gradients = _above(width, one_gradient)
    u = in_a_plane("u", width)
    weights, groups = matrix("w", width, width, normal(sp.Rational(1, width)))
    h = [sp.sqrt(BRANCH) * weights.T * one for one in u]
    ends = [g.dot(other) for g, other in zip(gradients, reversed(h), strict=True)]
    own = [g.dot(other) for g, other in zip(gradients, h, strict=True)]
    stands_for = {
        **shattered.products(*gradients),
        **_below(*u),
        N: sp.Integer(width),
        ENDS: sum(ends),
        BETWEEN: h[0].dot(h[1]),
        END: own[0],
        OTHER_END: own[1],
        OWN: h[0].dot(h[0]),
        OTHER_OWN: h[1].dot(h[1]),
    }
    return WrittenOut(stands_for, groups)


def _over_last(width: int, one_gradient: bool) -> WrittenOut:
    """Write out u_a = D_a W2^T g_a, W2 normal of variance 2 / width, the masks coins at each input."""
    gradients = _above(width, one_gradient)
    weights, groups = matrix("w", width, width, normal(sp.Rational(2, width)))
    masks = [sp.symbols(f"{name}_1:{width + 1}", nonnegative=True) for name in "de"]
    u = [sp.diag(*kept) * weights.T * g for kept, g in zip(masks, gradients, strict=True)]
    groups += [coin(sp.Rational(1, 2))(mask) for kept in masks for mask in kept]
    return WrittenOut({**shattered.products(*gradients), **_below(*u), N: sp.Integer(width)}, groups)


def _above(width: int, one_gradient: bool) -> tuple[sp.Matrix, sp.Matrix]:
    first, second = shattered.gradients(width)
    return first, first if one_gradient else second


def _below(first: sp.Matrix, second: sp.Matrix) -> dict[sp.Symbol, sp.Expr]:
    """Return what the names of norms and inner products of the u_a stand for."""
    one, two = first.dot(first), second.dot(second)
    return {BELOW: first.dot(second), BELOW_PRODUCT: one * two, ONE: one, TWO: two}


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (block, square_norm, square_of_inner_product, product_of_squares)
