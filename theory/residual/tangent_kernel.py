"""Trace of the tangent kernel of the branches of a residual net, f = v^T x_L: the sum of the squared norms of df/dW.

Blocks x_{l+1} = x_l + W2 relu(W1 x_l) with the branch scales folded into the differentiated weights: W1 (hidden x
width) has variance 2 a1^2 / width and W2 (width x hidden) has variance a2^2 / hidden. With v_{l+1} the cotangent at
x_{l+1}, r_l the hidden activations and D their mask, df/dW2 = v_{l+1} r_l^T and df/dW1 = (D W2^T v_{l+1}) x_l^T. The
law of v_{l+1} given the forward pass does not depend on it (signs of W2^T v absorb those of the rows of W1), so the
three factors of a term are independent. Over Gaussian weights at a fixed input; width n, hidden width h; exact.

- A block alone: a1^2 h/n + a2^2/2, per ||x_l||^2 ||v_{l+1}||^2 (`block`), and its second moment
  (`block_second_moment`).
- L blocks: L times that times (1 + a1^2 a2^2)^(L-1) (`trace`). Fixup's a1 = L^(-1/2), a2 = 0 leave h/n (`fixup`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive_integer
from theory.expectation import active_moments, averaged, chi_square_moments
from theory.residual import fluctuations as residual_fluctuations
from theory.residual import norms as residual
from theory.rules import equal, termwise
from theory.symbols import ACTIVE, BLOCKS, DEPTH, H, N

FIRST, LAST = sp.symbols("a_1 a_2", nonnegative=True)
FORWARD, BACKWARD = sp.symbols("S T", nonnegative=True)
GAIN = (FIRST * LAST) ** 2

BLOCK = 2 * FIRST**2 / N * FORWARD + LAST**2 / H * BACKWARD
"""||r||^2 / ||x||^2 + ||D W2^T v||^2 / ||v||^2 of one block; S, T are chi-square, K degrees, independent given K."""


@cache
def block() -> Derivation:
    """Derive the mean contribution of one block per unit of ||x_l||^2 ||v_{l+1}||^2."""
    both = {variable: chi_square_moments(ACTIVE) for variable in (FORWARD, BACKWARD)}
    return (
        Derivation.begin(
            "Tangent kernel of one block",
            "||df/dW2||^2 + ||df/dW1||^2 over ||x||^2 ||v||^2: with K active units, S for the hidden activations, T "
            "for the cotangent.",
            BLOCK,
        )
        .then("Average over the weights given the mask.", (2 * FIRST**2 / N + LAST**2 / H) * ACTIVE, averaged(both))
        .then(
            "Average over the mask: half the hidden units are active.",
            FIRST**2 * H / N + LAST**2 / 2,
            averaged({ACTIVE: active_moments(H)}),
        )
    )


@cache
def trace() -> Derivation:
    """Derive the mean trace over all blocks, in units of ||v||^2 ||x_0||^2."""
    own, growth = block().result, residual.block_growth(GAIN)
    return (
        Derivation.begin(
            "Mean trace of the tangent kernel of the branches",
            "Add over the blocks: growth of x over the l blocks below, of the cotangent over the L - 1 - l above, and"
            " the block's own.",
            sp.Sum(growth**DEPTH * growth ** (BLOCKS - 1 - DEPTH) * own, (DEPTH, 0, BLOCKS - 1)),
        )
        .then(
            "Every block contributes the same: it is crossed by x or by the cotangent, never by both.",
            sp.Sum(growth ** (BLOCKS - 1) * own, (DEPTH, 0, BLOCKS - 1)),
            termwise(sp.powsimp),
        )
        .then("Add L equal terms.", BLOCKS * growth ** (BLOCKS - 1) * own)
    )


@cache
def fixup() -> Derivation:
    """Derive the trace for Fixup with two layers in a branch: the first scaled by L^(-1/2), the last at zero."""
    return Derivation.begin("Tangent kernel under Fixup", "The mean trace of the branches.", trace().result).then(
        "Put in a1 = L^(-1/2) and a2 = 0: the depth cancels.",
        H / N,
        lambda before, now: equal(before.subs({FIRST: BLOCKS ** -sp.Rational(1, 2), LAST: 0}), now),
    )


@cache
def block_second_moment() -> Derivation:
    """Derive the second moment of a block's own contribution."""
    both = {variable: chi_square_moments(ACTIVE) for variable in (FORWARD, BACKWARD)}
    first, last = 2 * FIRST**2 / N, LAST**2 / H
    masks = active_moments(H)
    pair = masks(2) + 2 * masks(1)
    return (
        Derivation.begin(
            "Second moment of the tangent kernel of one block", "Square the contribution of one block.", BLOCK**2
        )
        .then(
            "Average over the weights given the mask; S and T are independent.",
            (first**2 + last**2) * ACTIVE * (ACTIVE + 2) + 2 * first * last * ACTIVE**2,
            averaged(both),
        )
        .then(
            "Average over the mask.",
            (first**2 + last**2) * pair + 2 * first * last * masks(2),
            averaged({ACTIVE: masks}),
        )
        .then(
            "Collect.",
            (1 + 5 / H) * (FIRST**4 * H**2 / N**2 + LAST**4 / 4) + (1 + 1 / H) * GAIN * H / N,
        )
    )


def branch_trace(blocks: Value, width: Value, hidden: Value, first_scale: Value, last_scale: Value) -> sp.Expr:
    """Return E tr K / (||v||^2 ||x_0||^2) for the branches of a residual net, over Gaussian weights; exact.

    Raises
    ------
    ValueError
        If a size is not a positive integer or a scale is negative.
    """
    return trace().at(L=positive_integer("blocks", blocks), **_block(width, hidden, first_scale, last_scale))


def fixup_trace(width: Value, hidden: Value) -> sp.Expr:
    """Return hidden / width, the mean trace under Fixup with two layers in a branch: the same at every depth."""
    return fixup().at(n=positive_integer("width", width), h=positive_integer("hidden", hidden))


def branch_trace_variance_bound(
    blocks: Value, width: Value, hidden: Value, first_scale: Value, last_scale: Value
) -> sp.Expr:
    """Return an upper bound on the variance of tr K / (||v||^2 ||x_0||^2), over Gaussian weights at a fixed input.

    All blocks' terms have one law, with a variance that is exact here; the standard deviation of their sum is at most
    the sum of theirs, so the bound is blocks^2 times that variance. Where the last layers are zero, stream and
    cotangent pass every block unchanged: the terms are independent, and their variances add up. Then, and for one
    block, it is the variance itself; not asymptotic.

    Raises
    ------
    ValueError
        If a size is not a positive integer or a scale is negative.
    """
    sizes = _block(width, hidden, first_scale, last_scale)
    count = positive_integer("blocks", blocks)
    gain = residual.branch_gain(first_scale, last_scale)
    crossed = residual_fluctuations.block_ratio_second_moment(width, hidden, gain) ** (count - 1)
    term = crossed * block_second_moment().at(**sizes) - (trace().at(L=count, **sizes) / count) ** 2
    return (count if sizes["a_2"] == 0 else count**2) * term


def _block(width: Value, hidden: Value, first_scale: Value, last_scale: Value) -> dict[str, sp.Expr]:
    return {
        "n": positive_integer("width", width),
        "h": positive_integer("hidden", hidden),
        "a_1": nonnegative("first_scale", first_scale),
        "a_2": nonnegative("last_scale", last_scale),
    }


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (block, trace, fixup, block_second_moment)
