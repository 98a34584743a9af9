r"""Weights w below a multiplier s, where the net knows s w alone: what is true of them that is below a normalisation.

Fixup's multiplier stands behind the last layer of a branch. g is the gradient in w and g_s that in s; kappa is the rate
of s over that of w. Exact at every rate; nothing is averaged.

- True: with s w kept, gradients have degree -1 in w (`gradient`), so the direction of w moves with the rate
  eta / ||w||^2, as below a normalisation (`theory.normalisation.scale_invariance`).
- Not true: gradients are not orthogonal to w but <w, g> = s g_s (`inner_product`), so a step moves ||w||^2 by
  -2 eta s g_s + eta^2 ||g||^2 (`step`); below a normalisation by the last term alone. The two agree where the
  multiplier is at rest, g_s = 0 (`at_rest`).
- Instead the norm follows the multiplier: ||w||^2 - s^2 / kappa moves by eta^2 (||g||^2 - kappa g_s^2), by the second
  order (`following`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, real
from theory.rules import differentiated, equal, naming, solving, substituting
from theory.symbols import RATE, C

MULTIPLIER, SLOPE, INNER = sp.Symbol("s", real=True), sp.Symbol("g_s", real=True), sp.Symbol("<w,g>", real=True)
SQUARE = sp.Symbol(r"\|g\|^2", nonnegative=True)
FACTOR = sp.Symbol("kappa", positive=True)
"""The rate of the multiplier over that of the weights."""


@cache
def inner_product() -> Derivation:
    """Derive <w, g> = s g_s, for two weights; more add like terms."""
    s, v, w = sp.symbols("s v w", real=True)
    f = sp.Function("f")
    slope = sp.Derivative(f(s, v, w), s)
    along = v * sp.Derivative(f(s, v, w), v) + w * sp.Derivative(f(s, v, w), w)
    return (
        Derivation.begin(
            "Gradient of weights below a multiplier",
            "Only the product matters: weights that are scaled and a multiplier that is divided.",
            sp.Eq(f(s / C, C * v, C * w), f(s, v, w)),
        )
        .then("Differentiate in c at c = 1.", sp.Eq(along - s * slope, 0), differentiated(C, 1))
        .then(
            "Name the gradients.",
            sp.Eq(INNER - MULTIPLIER * SLOPE, 0),
            lambda before, now: equal(
                sp.Eq(before.lhs.subs(slope, SLOPE), before.rhs, evaluate=False),
                sp.Eq(now.lhs.subs(INNER, along), now.rhs, evaluate=False),
            ),
        )
        .then("Solve for the inner product.", sp.Eq(INNER, MULTIPLIER * SLOPE), solving(INNER))
    )


@cache
def gradient() -> Derivation:
    """Derive the gradient in w at (s/c, c w) from that at (s, w)."""
    s, w, f = sp.Symbol("s", real=True), sp.Symbol("w", real=True), sp.Function("f")
    there, here = sp.symbols("f'(cw) f'(w)", real=True)
    names = {sp.diff(f(s / C, C * w), w): C * there, sp.diff(f(s, w), w): here}

    def differentiated_in_w(before: sp.Basic, now: sp.Basic) -> str:
        equal(*(side.subs(C, 1) for side in before.args))  # a constant would be lost
        return equal(sp.Eq(*(sp.diff(side, w).subs(names) for side in before.args), evaluate=False), now)

    return (
        Derivation.begin(
            "Gradient at another scale with the product kept",
            "One coordinate of the weights, all of which are scaled by c, with s / c for s.",
            sp.Eq(f(s / C, C * w), f(s, w)),
        )
        .then("Differentiate in w: by the chain rule c comes out.", sp.Eq(C * there, here), differentiated_in_w)
        .then("The gradient has degree -1.", sp.Eq(there, here / C), solving(there))
    )


@cache
def step() -> Derivation:
    """Derive by how much a step moves the squared norm of the weights."""
    v, w, p, q = sp.symbols("v w p q", real=True)
    return (
        Derivation.begin(
            "Norm below a multiplier after a step",
            "Two weights move by -eta times their gradients; more add like terms.",
            (v - RATE * p) ** 2 + (w - RATE * q) ** 2 - v**2 - w**2,
        )
        .then(
            "Collect inner product and squared norm.",
            -2 * RATE * INNER + RATE**2 * SQUARE,
            naming({INNER: v * p + w * q, SQUARE: p**2 + q**2}),
        )
        .then(
            "The inner product is s g_s.",
            -2 * RATE * MULTIPLIER * SLOPE + RATE**2 * SQUARE,
            substituting({INNER: inner_product().result}),
        )
    )


@cache
def at_rest() -> Derivation:
    """Derive the same where the multiplier has no gradient."""
    return Derivation.begin("Norm below a multiplier at rest", "The move of ||w||^2.", step().result).then(
        "Put in g_s = 0: what is left is the move below a normalisation.",
        RATE**2 * SQUARE,
        substituting({SLOPE: sp.S.Zero}),
    )


@cache
def following() -> Derivation:
    """Derive by how much a step of weights and multiplier moves ||w||^2 - s^2 / kappa."""
    stepped = (MULTIPLIER - FACTOR * RATE * SLOPE) ** 2 - MULTIPLIER**2
    return Derivation.begin(
        "The norm follows the multiplier",
        "The move of ||w||^2, less that of s^2 over kappa.",
        step().result - stepped / FACTOR,
    ).then("The first order cancels.", RATE**2 * (SQUARE - FACTOR * SLOPE**2))


def gradient_along(multiplier: Value, slope: Value) -> sp.Expr:
    """Return <w, g> = s g_s. Exact."""
    return inner_product().at({MULTIPLIER: real("multiplier", multiplier), SLOPE: real("slope", slope)})


def gradient_factor(scale: Value) -> sp.Expr:
    """Return 1/c, by which the gradient at (s/c, c w) differs from that at (s, w). Exact.

    Raises
    ------
    ValueError
        If `scale` is not positive.
    """
    return gradient().at({C: positive("scale", scale), sp.Symbol("f'(w)", real=True): 1})


def square_norm_change(rate: Value, multiplier: Value, slope: Value, square: Value) -> sp.Expr:
    """Return by how much a step moves ||w||^2, given s, g_s and ||g||^2. Exact.

    Raises
    ------
    ValueError
        If `rate` is not positive or `square` is negative.
    """
    known = {MULTIPLIER: real("multiplier", multiplier), SLOPE: real("slope", slope)}
    return step().at({RATE: positive("rate", rate), SQUARE: nonnegative("square", square), **known})


def drift(rate: Value, factor: Value, slope: Value, square: Value) -> sp.Expr:
    """Return by how much a step of weights and multiplier moves ||w||^2 - s^2 / factor. Exact.

    Raises
    ------
    ValueError
        If `rate` or `factor` is not positive or `square` is negative.
    """
    known = {RATE: positive("rate", rate), FACTOR: positive("factor", factor)}
    return following().at({SLOPE: real("slope", slope), SQUARE: nonnegative("square", square), **known})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (inner_product, gradient, step, at_rest, following)
