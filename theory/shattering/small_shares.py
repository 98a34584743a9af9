"""Shattered gradients in residual nets whose branches have small shares: 1 / (l + 1) in block l, or all 1 / (L + 1).

Blocks x' = x + a W2 D W1 x, "He then LeCun": a branch has a^2 times the mean square of its input. Normalised branches,
of mean square 1, on a stream of mean square l have a^2 = 1/l; L blocks scaled to keep the stream finite have a^2 = 1/L.
With masks D that are independent coins everything is exact at every width; with a net's own masks over one block, and
beyond in the wide limit (`gradient_correlations`).

- Coins: a block multiplies E g1.g2 / E||g||^2 by 1 - a^2 / (1 + a^2) / 2 (`block`). Normalised branches leave
  Gamma(L + 3/2) / (Gamma(3/2) Gamma(L + 2)) (`normalised`), which falls like 2 / sqrt(pi L) (`normalised_tail`); scaled
  ones leave (1 - 1/(2 (L + 1)))^L (`scaled`), which tends to exp(-1/2) (`scaled_limit`).
- Own masks at the angle theta: 1 - a^2 / (1 + a^2) theta/pi (`overlap`), and the next cosine (`cosine`).
- For the variance: `square_of_inner_product` and `product_of_squares` of one block.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, positive_integer
from theory.mean_field import angles
from theory.rules import limit, recursion, substituting
from theory.shattering import residual_pairs
from theory.shattering.block import BRANCH
from theory.shattering.coin_blocks import block, product_of_squares, square_of_inner_product
from theory.shattering.masks import FIRST, SECOND, SHARED
from theory.symbols import THETA, L


@cache
def normalised() -> Derivation:
    """Derive the correlation below L blocks whose branches are normalised, masks independent."""
    c = sp.Function("c")
    return Derivation.begin(
        "Correlation of gradients with normalised branches",
        "Block l has a^2 = 1 / l, as l - 1 branches and the input lie below it; factors multiply.",
        sp.Eq(c(L + 1), block().result.subs(BRANCH, 1 / (L + 1)) * c(L)),
    ).then(
        "Solve from one gradient above the net.",
        sp.Eq(
            c(L),
            sp.gamma(L + sp.Rational(3, 2)) / (sp.gamma(sp.Rational(3, 2)) * sp.gamma(L + 2)),
        ),
        recursion(L, sp.S.One),
    )


@cache
def normalised_tail() -> Derivation:
    """Derive that it falls like 2 / sqrt(pi L)."""
    return Derivation.begin(
        "Tail of the correlation with normalised branches",
        "The logarithm of sqrt(L) times it, with Stirling's formula, of vanishing error, for both gamma functions.",
        sp.log(L) / 2 + _stirling(L + sp.Rational(3, 2)) - _stirling(L + 2) - sp.log(sp.sqrt(sp.pi) / 2),
    ).then("The factor sqrt(L) keeps it from falling.", sp.log(2 / sp.sqrt(sp.pi)), limit(L, sp.oo))


def _stirling(x: sp.Expr) -> sp.Expr:
    return (x - sp.Rational(1, 2)) * sp.log(x) - x + sp.log(2 * sp.pi) / 2


@cache
def scaled() -> Derivation:
    """Derive the correlation below L blocks of a^2 = 1 / L, masks independent."""
    return Derivation.begin(
        "Correlation of gradients with scaled branches",
        "Every block has the same factor.",
        block().result ** L,
    ).then("Put in a^2 = 1 / L.", (1 - 1 / (2 * (L + 1))) ** L, substituting({BRANCH: 1 / L}))


@cache
def scaled_limit() -> Derivation:
    """Derive its limit in depth."""
    return Derivation.begin("Correlation with scaled branches in the limit", "At L blocks.", scaled().result).then(
        "It does not vanish in depth.", sp.exp(-sp.Rational(1, 2)), limit(L, sp.oo)
    )


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
    normalised,
    normalised_tail,
    scaled,
    scaled_limit,
    overlap,
    cosine,
)
