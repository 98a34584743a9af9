r"""Shattered gradients in residual nets whose branches have small shares: 1 / (l + 1) in block l, or all 1 / (L + 1).

Blocks x' = x + a W2 D W1 x, "He then LeCun": a branch has a^2 times the mean square of its input. Normalised branches,
of mean square 1, on a stream of mean square l have a^2 = 1 / l; L blocks scaled to keep the stream finite have a^2 =
1 / L. With masks D that are independent coins everything here is exact at every width. What real masks do is exact over
one block (`overlap`, `cosine`) and asymptotic in the width beyond (`gradient_correlations`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, positive_integer
from theory.mean_field import angles
from theory.mean_field.angles import THETA
from theory.rules import equal, limit, recursion, substituting
from theory.shattering import masks as shattered
from theory.shattering import residual_pairs
from theory.shattering.block import BRANCH
from theory.shattering.masks import DEPTH, FIRST, SECOND, SHARED, N
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
            at_sizes(_over_first, (1, True), (2, True), (3, True)),
        )
        .then(
            "Average over W2 and the masks, coins at each input: co-active units are half of the active ones.",
            FIRST + BRANCH * FIRST / 2,
            at_sizes(_over_last, (1, True), (2, True), (3, True)),
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
            at_sizes(_over_first, (1, False), (2, False), (3, False)),
        )
        .then(
            "Average over W2 and the masks.",
            (1 + BRANCH) * FIRST,
            at_sizes(_over_last, (1, False), (2, False), (3, False)),
        )
    )


@cache
def normalised() -> Derivation:
    """Derive the correlation below L blocks whose branches are normalised, masks independent."""
    c = sp.Function("c")
    return Derivation.begin(
        "Correlation of gradients with normalised branches",
        "Block l has a^2 = 1 / l, as l - 1 branches and the input lie below it; factors multiply.",
        sp.Eq(c(DEPTH + 1), block().result.subs(BRANCH, 1 / (DEPTH + 1)) * c(DEPTH)),
    ).then(
        "Solve from one gradient above the net.",
        sp.Eq(c(DEPTH), sp.gamma(DEPTH + sp.Rational(3, 2)) / (sp.gamma(sp.Rational(3, 2)) * sp.gamma(DEPTH + 2))),
        recursion(DEPTH, sp.S.One),
    )


@cache
def normalised_tail() -> Derivation:
    """Derive that it falls like 2 / sqrt(pi L)."""
    return Derivation.begin(
        "Tail of the correlation with normalised branches",
        "The logarithm of sqrt(L) times it, with Stirling's formula, of vanishing error, for both gamma functions.",
        sp.log(DEPTH) / 2 + _stirling(DEPTH + sp.Rational(3, 2)) - _stirling(DEPTH + 2) - sp.log(sp.sqrt(sp.pi) / 2),
    ).then("The factor sqrt(L) keeps it from falling.", sp.log(2 / sp.sqrt(sp.pi)), limit(DEPTH, sp.oo))


def _stirling(x: sp.Expr) -> sp.Expr:
    return (x - sp.Rational(1, 2)) * sp.log(x) - x + sp.log(2 * sp.pi) / 2


@cache
def scaled() -> Derivation:
    """Derive the correlation below L blocks of a^2 = 1 / L, masks independent."""
    return Derivation.begin(
        "Correlation of gradients with scaled branches", "Every block has the same factor.", block().result ** DEPTH
    ).then("Put in a^2 = 1 / L.", (1 - 1 / (2 * (DEPTH + 1))) ** DEPTH, substituting({BRANCH: 1 / DEPTH}))


@cache
def scaled_limit() -> Derivation:
    """Derive its limit in depth."""
    return Derivation.begin("Correlation with scaled branches in the limit", "At L blocks.", scaled().result).then(
        "It does not vanish in depth.", sp.exp(-sp.Rational(1, 2)), limit(DEPTH, sp.oo)
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
            at_sizes(_over_first, (1, False), (2, False), (3, False)),
        )
        .then(
            "Average over W2 and the masks, as in a plain layer.",
            SHARED**2 * (1 + BRANCH + BRANCH / N)
            + 2 * BRANCH * FIRST * SECOND / N
            + BRANCH**2 * (square + (product + square) / N),
            at_sizes(_over_last, (1, False), (2, False), (3, False)),
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
            at_sizes(_over_first, (1, False), (2, False), (3, False)),
        )
        .then(
            "Average over W2 and the masks, as in a plain layer.",
            FIRST * SECOND * (1 + 2 * BRANCH) + 2 * BRANCH * SHARED**2 / N + BRANCH**2 * (product + 2 * square / N),
            at_sizes(_over_last, (1, False), (2, False), (3, False)),
        )
    )


def _over_first(width: int, one_gradient: bool) -> WrittenOut:
    """Write out what W1 makes of fixed u_a: h_a = a W1^T u_a, W1 normal of variance 1 / width."""
    gradients = _above(width, one_gradient)
    u = [sp.Matrix(sp.symbols(f"{name}_1:{width + 1}", real=True)) for name in "uv"]
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


@cache
def overlap() -> Derivation:
    """Derive the factor by which a block with its own masks multiplies the correlation."""
    return Derivation.begin(
        "Correlation of gradients in a block with a small share",
        "A block with its own masks, before its branch is as large as the stream.",
        residual_pairs.overlap().steps[1].statement,
    ).then("The branch's share of theta/pi is lost.", 1 - BRANCH / (1 + BRANCH) * THETA / sp.pi)


@cache
def cosine() -> Derivation:
    """Derive the mean of x1'.x2' over that of ||x'||^2 for inputs of norm 1."""
    kept = sp.cos(THETA)
    return Derivation.begin(
        "Cosine after a block with a small share",
        "The cosine after a block, before its branch is as large as the stream.",
        residual_pairs.cosine().steps[1].statement,
    ).then(
        "The share a^2 / (1 + a^2) of a ReLU layer's change.",
        kept + BRANCH / (1 + BRANCH) * (sp.sin(THETA) - THETA * kept) / sp.pi,
    )


def normalised_correlation(blocks: Value) -> sp.Expr:
    """Return E g1.g2 / E||g||^2 below normalised branches and independent masks. Exact; about 2 / sqrt(pi blocks)."""
    return normalised().at(L=positive_integer("blocks", blocks, least=0))


def scaled_correlation(blocks: Value) -> sp.Expr:
    """Return E g1.g2 / E||g||^2 with a^2 = 1 / blocks and independent masks. Exact; tends to exp(-1/2)."""
    return scaled().at(L=positive_integer("blocks", blocks))


def independent_variance(width: Value, branches: Sequence[Value]) -> sp.Expr:
    """Return the variance of g1.g2 / E||g||^2 below blocks of these a^2 and independent masks. Exact.

    Branches are listed from the input up. All widths are equal; the gradient above the net is fixed.
    """
    n = positive_integer("width", width)
    product = square = mean = sp.S.One
    # Both are linear in ||g1||^2 ||g2||^2 and (g1.g2)^2, of which product and square are the means.
    laws = [one().at({SECOND: sp.S.One}, n=n) for one in (product_of_squares, square_of_inner_product)]
    for branch in reversed(branches):
        a2 = positive("branch", branch)
        means = {FIRST: product, SHARED: sp.sqrt(square), BRANCH: a2}
        product, square = (law.subs(means) / (1 + a2) ** 2 for law in laws)
        mean *= block().at({BRANCH: a2})
    return square - mean**2


def block_overlap(angle: Value, branch: Value) -> sp.Expr:
    """Return E g1.g2 / E||g||^2 in one block with its own masks, below one gradient. Exact at any width."""
    return overlap().at({THETA: angles.checked(angle), BRANCH: nonnegative("branch", branch)})


def block_cosine(angle: Value, branch: Value) -> sp.Expr:
    """Return E x1'.x2' / E||x'||^2 after one block, for inputs of equal norm. Exact at any width."""
    return cosine().at({THETA: angles.checked(angle), BRANCH: nonnegative("branch", branch)})


def overlap_variance_bound(angle: Value, branch: Value, width: Value) -> sp.Expr:
    """Bound the variance of g1.g2 / E||g||^2 in one block with its own masks: see `residual_pairs`, where a = 1."""
    n, a2, both = positive_integer("width", width), nonnegative("branch", branch), angles.mask_overlap(angle)
    square = 1 + a2 * (2 * both + 4 / n) + a2**2 * (1 + 2 / n) * (1 + 5 / n)
    return square / (1 + a2) ** 2 - block_overlap(angle, branch) ** 2


def cosine_variance_bound(angle: Value, branch: Value, width: Value) -> sp.Expr:
    """Bound the variance of x1'.x2' / E||x'||^2 after one block, for inputs of equal norm: see `residual_pairs`."""
    n, a2, kept = positive_integer("width", width), nonnegative("branch", branch), angles.next_cosine(angle)
    spread = angles.product_variance(angle) / n
    ends = (2 + 2 * sp.cos(angle) * kept) / n
    return (a2 * ends + a2**2 * (spread + (spread + kept**2 + 1 + 5 / n) / n)) / (1 + a2) ** 2


def gradient_correlations(angle: float, branches: Sequence[float]) -> list[float]:
    """Return the correlation of two input gradients of wide nets with their own masks, as blocks are added on top.

    The product of the factors of `overlap`, at the angles below the blocks; asymptotic in the width. With a^2 = 1 / l
    they fall ever more slowly: .394, .199, .112, .069 below 10, 100, 1,000 and 10,000 blocks.
    """
    found = [1.0]
    for branch in branches:
        share = branch / (1 + branch)
        found.append(found[-1] * (1 - share * angle / math.pi))
        # 1 - cos, as 2 sin(theta/2)^2, so that nothing cancels
        kept, changed = math.sin(angle / 2) ** 2, math.sin(angles.next_angle(angle) / 2) ** 2
        angle = 2 * math.asin(math.sqrt(kept + share * (changed - kept)))
    return found[1:]


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    block, square_norm, normalised, normalised_tail, scaled, scaled_limit, square_of_inner_product, product_of_squares, overlap,
    cosine,
)  # fmt: skip
