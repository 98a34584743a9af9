"""Two inputs of a residual net x' = x + W2 relu(W1 x): the angle and the correlation of gradients after a block.

"He then LeCun" branches of equal widths, Gaussian weights; theta is the angle of the inputs. Over one block both means
are exact at every width; deep wide nets iterate them (`gradient_correlations`). Shortcuts slow both down by half a
layer a block, and change the constant of the L^-3 law, not the power.

- E g1.g2 / E||g||^2 falls by 1 - theta / (2 pi) a block (`overlap`).
- The next cosine is the mean of cos theta and that behind a ReLU layer (`cosine`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.expectation import averaged
from theory.mean_field import angles
from theory.rules import equal
from theory.symbols import THETA

START = sp.Symbol("v^2", positive=True)


@cache
def overlap() -> Derivation:
    """Derive the factor by which one block multiplies the correlation of the two gradients."""
    ends, between = sp.symbols("v^{T}(h_1+h_2) h_1^{T}h_2", real=True)
    total = START + ends + between
    return (
        Derivation.begin(
            "Overlap of two gradients in a residual block",
            "The gradients are v + h_a, h_a = W1^T D_a W2^T v: expand their inner product.",
            total,
        )
        .then(
            "Average over W2, which is symmetric, and W1: each of n units of variance v^2 / n passes its row of mean "
            "square norm 2 if it is active at both inputs.",
            START + 2 * angles.coactivation().result * START,
            averaged({ends: (1, 0), between: (1, 2 * angles.coactivation().result * START)}),
        )
        .then(
            "Divide by the mean square of one gradient, 2 v^2.",
            1 - THETA / (2 * sp.pi),
            lambda before, now: equal(sp.expand(before / (2 * START)), now),
        )
    )


@cache
def cosine() -> Derivation:
    """Derive the mean of x1'.x2' over that of ||x'||^2, for inputs of norm 1."""
    ends, between = sp.symbols("x_1^{T}F_2+x_2^{T}F_1 F_1^{T}F_2", real=True)
    branch = angles.cosine().result
    return (
        Derivation.begin(
            "Cosine after a residual block",
            "Expand the inner product of x_a + F_a.",
            sp.cos(THETA) + ends + between,
        )
        .then(
            "Average over W2, which is symmetric and keeps inner products in the mean, then over W1.",
            sp.cos(THETA) + branch,
            averaged({ends: (1, 0), between: (1, branch)}),
        )
        .then(
            "Divide by the mean square norm, 2.",
            (sp.cos(THETA) + branch) / 2,
            lambda before, now: equal(before / 2, now),
        )
    )


def block_overlap(angle: Value) -> sp.Expr:
    """Return E g1.g2 / E||g||^2 in one block, below one gradient v: 1 - angle / (2 pi). Exact at any width."""
    return overlap().at(theta=angles.checked(angle))


def block_cosine(angle: Value) -> sp.Expr:
    """Return E x1'.x2' / E||x'||^2 after one block, for inputs of equal norm. Exact at any width."""
    return cosine().at(theta=angles.checked(angle))


def overlap_variance_bound(angle: Value, width: Value) -> sp.Expr:
    """Bound the variance of g1.g2 / E||g||^2 in one block, v fixed.

    (g1.g2)^2 has the mean v^4 (1 + 2 E h1.h2 + E (v.h1 + v.h2)^2 + E (h1.h2)^2) at v^2 = 1; the other terms are odd in
    W2. A unit adds at most 2 (m1 + m2) (w.v)^2 to the third term, which makes 4/n; the fourth is at most E||h||^4 =
    (1 + 2/n) (1 + 5/n), by Cauchy and Schwarz.
    """
    n, both = positive_integer("width", width), angles.mask_overlap(angle)
    square = 1 + 2 * both + 4 / n + (1 + 2 / n) * (1 + 5 / n)
    return square / 4 - block_overlap(angle) ** 2


def cosine_variance_bound(angle: Value, width: Value) -> sp.Expr:
    """Bound the variance of x1'.x2' / E||x'||^2 after one block, for inputs of equal norm.

    Given the hidden states r_a, the branches are normal: x1.F2 + x2.F1 has the variance (||r1||^2 + ||r2||^2 +
    2 c r1.r2) / n, and F1.F2 the mean square (1 + 1/n) (r1.r2)^2 + ||r1||^2 ||r2||^2 / n, of which the last product has
    a mean of at most 1 + 5/n.
    """
    n, mean = positive_integer("width", width), angles.next_cosine(angle)
    spread = angles.product_variance(angle) / n
    ends = (2 + 2 * sp.cos(angle) * mean) / n
    return (ends + spread + (spread + mean**2 + 1 + 5 / n) / n) / 4


def gradient_correlations(angle: float, blocks: int) -> list[float]:
    """Return the correlation of two input gradients of wide residual nets of 1, 2, ..., `blocks` blocks.

    The product of 1 - theta_l / (2 pi) over the angles below the blocks; asymptotic in the width.
    """
    found = [1.0]
    for _ in range(blocks):
        found.append(found[-1] * (1 - angle / (2 * math.pi)))
        # 1 - cos is halved for angles, as 2 sin(theta/2)^2, so that nothing cancels
        below_one = math.sin(angle / 2) ** 2 + math.sin(angles.next_angle(angle) / 2) ** 2
        angle = 2 * math.asin(math.sqrt(below_one / 2))
    return found[1:]


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (overlap, cosine)
