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
from theory.mean_field import angles
from theory.rules import substituting
from theory.shattering.block import (
    BRANCH,
    GRADIENT_ENDS,
    GRADIENTS,
    OWN_GRADIENT,
    OWN_STATE,
    SIZES,
    START,
    STATE_ENDS,
    STATES,
    pair,
)
from theory.symbols import THETA
from theory.written_out import at_sizes


@cache
def overlap() -> Derivation:
    """Derive the factor by which one block multiplies the correlation of the two gradients."""
    return (
        Derivation.begin(
            "Overlap of two gradients in a residual block",
            "The gradients are v + h_a, h_a = W1^T D_a W2^T v: expand their inner product over the mean square of one.",
            (START + GRADIENT_ENDS + GRADIENTS) / (START + square_of_branch().result),
        )
        .then(
            "Average over W2, which is symmetric, and over W1 and its masks, normal in the plane of the two inputs.",
            (START + BRANCH * (1 - THETA / sp.pi) * START) / (START + BRANCH * START),
            at_sizes(pair, *SIZES),
        )
        .then("With a branch as large as the stream, a = 1.", 1 - THETA / (2 * sp.pi), substituting({BRANCH: 1}))
    )


@cache
def square_of_branch() -> Derivation:
    """Derive the mean square norm of what comes back through the branch."""
    return Derivation.begin("Gradient through a branch", "The square norm of h_1.", OWN_GRADIENT).then(
        "Average over both layers and the masks at the input.", BRANCH * START, at_sizes(pair, *SIZES)
    )


@cache
def cosine() -> Derivation:
    """Derive the mean of x1'.x2' over that of ||x'||^2, for inputs of norm 1."""
    turned = (sp.sin(THETA) + (sp.pi - THETA) * sp.cos(THETA)) / sp.pi
    return (
        Derivation.begin(
            "Cosine after a residual block",
            "Expand the inner product of x_a + F_a over the mean square of one.",
            (sp.cos(THETA) + STATE_ENDS + STATES) / (1 + square_of_state().result),
        )
        .then(
            "Average over W2, which is symmetric and keeps inner products in the mean, and over W1 and its masks.",
            (sp.cos(THETA) + BRANCH * turned) / (1 + BRANCH),
            at_sizes(pair, *SIZES),
        )
        .then(
            "With a branch as large as the stream, a = 1; the turn is that of a plain layer.",
            (sp.cos(THETA) + angles.cosine().result) / 2,
            substituting({BRANCH: 1}),
        )
    )


@cache
def square_of_state() -> Derivation:
    """Derive the mean square norm of the branch at an input of norm 1."""
    return Derivation.begin("State through a branch", "The square norm of F_1.", OWN_STATE).then(
        "Average over both layers and the masks at the input.", BRANCH, at_sizes(pair, *SIZES)
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


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (square_of_branch, overlap, square_of_state, cosine)
