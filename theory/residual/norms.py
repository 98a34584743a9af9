"""Residual nets x_{l+1} = x_l + F_l(x_l): means of the square norm, forward and backward.

The branch is F(x) = a1 a2 W2 relu(W1 x), W1 (hidden x width) of variance 2/width, W2 (width x hidden) of variance
1/hidden ("He then LeCun"); its gain eta^2 is E||F||^2 / ||x||^2. Over weights symmetric about 0, at a fixed input;
exact at every width.

- eta = a1 a2 (`branch`): gain 1 for standard initialisation, 2 with He's variance on the last layer as well.
- A block multiplies E||x||^2 by 1 + eta^2 (`growth`), and E||v||^2 of a cotangent as well (`backward`).
- E||x_l||^2 / ||x_0||^2 = (1 + eta^2)^l (`growth_in_depth`).
- The variance of x_l at a fixed x_0, in the same units: (1 + eta^2)^l - 1 (`variance_in_depth`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive_integer
from theory.plain import norms as plain
from theory.residual.block import ACROSS, COTANGENT, INNER, NORM, OUTPUT, PULLED, SIZES, backwards, forwards
from theory.rules import equal, recursion, substituting
from theory.symbols import DEPTH, ETA
from theory.written_out import at_sizes

FIRST, LAST = sp.symbols("a_1 a_2", positive=True)
"""Scales of the layers of a branch."""


@cache
def branch() -> Derivation:
    """Derive the gain of a branch whose layers have variances 2 / width and eta^2 / hidden."""
    return (
        Derivation.begin("Gain of a residual branch", "The square norm of F = W2 D W1 x.", OUTPUT)
        .then(
            "Average over both layers and the masks: widths and input cancel.",
            ETA**2 * NORM,
            at_sizes(forwards, *SIZES),
        )
        .then("Divide by the square norm of the input.", ETA**2, _divided_by(NORM))
        .then(
            "Scales a1 and a2 of the two layers count by their product, for F is linear in each.",
            (FIRST * LAST) ** 2,
            substituting({ETA: FIRST * LAST}),
        )
    )


@cache
def growth() -> Derivation:
    """Derive the factor by which a block multiplies E||x||^2."""
    return (
        Derivation.begin(
            "Growth of the square norm in one block",
            "Expand ||x + F||^2.",
            NORM + 2 * INNER + OUTPUT,
        )
        .then(
            "Average over both layers and the masks: the last layer has mean 0, so x.F has mean 0; the branch has gain "
            "eta^2.",
            NORM + ETA**2 * NORM,
            at_sizes(forwards, *SIZES),
        )
        .then(
            "Divide by the square norm of the input: at gain 1 it doubles, at gain 2 it triples.",
            1 + ETA**2,
            _divided_by(NORM),
        )
    )


@cache
def backward() -> Derivation:
    """Derive the factor by which a block multiplies the mean square norm of the cotangent."""
    return (
        Derivation.begin(
            "Growth of the cotangent in one block",
            "Expand the square norm of v + h, h = W1^T D W2^T v, D the mask of active units.",
            COTANGENT + 2 * ACROSS + PULLED,
        )
        .then(
            "Average over both layers and the masks: turning the sign of a row of W1 with that of its mask leaves half "
            "of every even product, and W2 is symmetric, so v.h has mean 0.",
            COTANGENT + ETA**2 * COTANGENT,
            at_sizes(backwards, *SIZES),
        )
        .then(
            "Divide by the square norm of v: the factor is that of the forward pass.",
            1 + ETA**2,
            _divided_by(COTANGENT),
        )
    )


def _divided_by(norm: sp.Symbol) -> Callable[[sp.Basic, sp.Basic], str]:
    return lambda before, now: equal(sp.expand(before / norm), now)


@cache
def growth_in_depth() -> Derivation:
    """Derive E||x_l||^2 / ||x_0||^2."""
    q = sp.Function("q")
    return Derivation.begin(
        "Square norm of the residual stream",
        "The weights of a block are independent of its input, so every block multiplies the mean square norm.",
        sp.Eq(q(DEPTH + 1), growth().result * q(DEPTH)),
    ).then("Solve from 1.", sp.Eq(q(DEPTH), (1 + ETA**2) ** DEPTH), recursion(DEPTH, sp.S.One))


@cache
def variance_in_depth() -> Derivation:
    """Derive the variance of the residual stream at a fixed input."""
    v = sp.Function("v")
    stream = growth_in_depth().result
    return Derivation.begin(
        "Variance of the residual stream at a fixed input",
        "By the law of total variance each block adds the mean conditional variance of its branch, eta^2 times the "
        "mean square of its input.",
        sp.Eq(v(DEPTH + 1), v(DEPTH) + ETA**2 * stream),
    ).then(
        "Solve from 0: a fixed input has no variance. It is one less than the second moment at every depth.",
        sp.Eq(v(DEPTH), (1 + ETA**2) ** DEPTH - 1),
        recursion(DEPTH, sp.S.Zero),
    )


def branch_gain(first_scale: Value, last_scale: Value) -> sp.Expr:
    """Return E||F||^2 / ||x||^2 for standard deviations first_scale sqrt(2/width) and last_scale / sqrt(hidden)."""
    scales = {"a_1": nonnegative("first_scale", first_scale), "a_2": nonnegative("last_scale", last_scale)}
    return branch().at(**scales)


def block_growth(branch_gain: Value = 1) -> sp.Expr:
    """Return E||x_{l+1}||^2 / ||x_l||^2: 2 if branches preserve the second moment, 3 with He on the last layer."""
    return growth().at(eta=sp.sqrt(nonnegative("branch_gain", branch_gain)))


def second_moment_growth(branch_gain: Value = 1, blocks: Value = 1) -> sp.Expr:
    """Return E||x_L||^2 / ||x_0||^2 after `blocks` blocks."""
    return _in_depth(growth_in_depth(), branch_gain, blocks)


def variance_at_fixed_input(blocks: Value, branch_gain: Value = 1) -> sp.Expr:
    """Return the variance of x_L per coordinate over the weights at a fixed x_0, averaged over coordinates.

    In units of ||x_0||^2 / width. It is the second moment that grows by a constant factor; this starts at 0.
    """
    return _in_depth(variance_in_depth(), branch_gain, blocks)


def backward_growth(branch_gain: Value = 1, blocks: Value = 1) -> sp.Expr:
    """Return E||dC/dx_0||^2 / ||v||^2 for a cotangent v at x_L.

    Exact for Gaussian weights and any v that is independent of them; for other symmetric laws v needs independent
    random signs.
    """
    factor = backward().at(eta=sp.sqrt(nonnegative("branch_gain", branch_gain)))
    return plain.norm_in_depth(factor, blocks)


def _in_depth(derivation: Derivation, branch_gain: Value, blocks: Value) -> sp.Expr:
    gain, blocks = nonnegative("branch_gain", branch_gain), positive_integer("blocks", blocks, least=0)
    return derivation.at(eta=sp.sqrt(gain), l=blocks)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (branch, growth, backward, growth_in_depth, variance_in_depth)
