r"""The largest rate at which gradient descent is stable, by depth, with and without Fixup's scale.

The loss is (f - y)^2 / 2 near a minimum, f = y, of the scalar net f = prod_l (1 + a^(m-1) u) x: in each of L branches
m - 1 inner weights a and a last one u. Nothing is averaged; exact in the limit of a small distance from the minimum.

- The Hessian has one eigenvalue that is not 0, lambda = ||grad f||^2 (`curvature`, `largest`, for two weights), so
  steps of eta shrink the distance if and only if eta < 2 / lambda.
- lambda = L ((m - 1) (a^(m-2) u)^2 + a^(2m-2)) (1 + a^(m-1) u)^(2L-2) x^2 (`gradient_square`): x^2 at any depth under
  Fixup (`fixup`), L x^2 with the zeros alone (`zeros`), m L 4^(L-1) x^2 with all weights 1 (`standard`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive, positive_integer
from theory.fixup.scale import exponent
from theory.rules import at_most, differentiated, dropping, substituting
from theory.symbols import BRANCHES, LAYERS, SCALE, X

LAST = sp.Symbol("u", real=True)
"""The last weight of every branch."""
U, V, P, Q, S = sp.symbols("w_1 w_2 p q s", real=True)
"""Two weights, a direction and the way along it."""
SLOPES = sp.symbols("f_1 f_2", real=True)
"""The slopes of the net in the two weights."""


@cache
def curvature() -> Derivation:
    """Derive the second derivative of the loss along a direction, at a minimum."""
    f = sp.Function("f")
    slope = P * sp.Derivative(f(U, V), U) + Q * sp.Derivative(f(U, V), V)
    return (
        Derivation.begin(
            "Curvature of the squared loss at a minimum",
            "Go by s along (p, q) from a point at which f is its target.",
            (f(U + S * P, V + S * Q) - f(U, V)) ** 2 / 2,
        )
        .then(
            "Differentiate twice at s = 0: the net's own curvature has the residual as its factor.",
            slope**2,
            differentiated(S, sp.S.Zero, 2, value=sp.S.Zero),
        )
        .then(
            "Call the slopes f_1 and f_2.",
            (P * SLOPES[0] + Q * SLOPES[1]) ** 2,
            substituting({sp.Derivative(f(U, V), w): s for w, s in zip((U, V), SLOPES, strict=True)}),
        )
    )


@cache
def largest() -> Derivation:
    """Derive that no direction is more curved than the gradient's, which has lambda = ||grad f||^2."""
    across = (P * SLOPES[1] - Q * SLOPES[0]) ** 2
    along, whole = curvature().result, (P**2 + Q**2) * (SLOPES[0] ** 2 + SLOPES[1] ** 2)
    return (
        Derivation.begin("The largest eigenvalue", "The curvature along a direction.", along)
        .then("Complete the product of both squared lengths.", whole - across)
        .then(
            "A direction of length 1 has at most ||grad f||^2; that of the gradient loses nothing.",
            at_most(whole - across, whole),
            dropping(-across),
        )
    )


@cache
def gradient_square() -> Derivation:
    """Derive the squared gradient of a scalar net of L equal branches."""
    net = (1 + SCALE ** (LAYERS - 1) * LAST) ** BRANCHES * X
    inner, last = sp.Derivative(net, SCALE) / (LAYERS - 1) / BRANCHES, sp.Derivative(net, LAST) / BRANCHES
    return Derivation.begin(
        "Squared gradient of a scalar net",
        "Add up squares over L branches of m - 1 inner weights and a last one; the slope in one of k equal weights is "
        "that in all of them, divided by k.",
        BRANCHES * ((LAYERS - 1) * inner**2 + last**2),
    ).then(
        "Differentiate.",
        BRANCHES
        * ((LAYERS - 1) * (SCALE ** (LAYERS - 2) * LAST) ** 2 + SCALE ** (2 * LAYERS - 2))
        * (1 + SCALE ** (LAYERS - 1) * LAST) ** (2 * BRANCHES - 2)
        * X**2,
    )


@cache
def zeros() -> Derivation:
    """Derive the squared gradient where last weights are 0 and the others 1."""
    return _at("zeros alone", "Put in u = 0 and a = 1.", {LAST: sp.S.Zero, SCALE: sp.S.One}, BRANCHES * X**2)


@cache
def fixup() -> Derivation:
    """Derive the squared gradient where last weights are 0 and the others at Fixup's scale."""
    says = "Put in u = 0 and a = L^(-1/(2m-2)): the depth cancels."
    return _at("Fixup's scale", says, {LAST: sp.S.Zero, SCALE: BRANCHES ** exponent().result}, X**2)


@cache
def standard() -> Derivation:
    """Derive the squared gradient where all weights are 1."""
    says = "Put in u = 1 and a = 1."
    return _at("all weights 1", says, {LAST: sp.S.One, SCALE: sp.S.One}, LAYERS * BRANCHES * 4 ** (BRANCHES - 1) * X**2)


def _at(name: str, says: str, weights: dict[sp.Symbol, sp.Expr], value: sp.Expr) -> Derivation:
    return Derivation.begin(
        f"Squared gradient with {name}", "The squared gradient of the net.", gradient_square().result
    ).then(says, value, substituting(weights))


def largest_rate(start: Callable[[], Derivation], branches: Value, layers_per_branch: Value, x: Value) -> sp.Expr:
    """Return 2 / lambda, the rate below which gradient descent is stable, of `zeros`, `fixup` or `standard`.

    Raises
    ------
    ValueError
        If `branches` is not a positive integer, `layers_per_branch` not one of at least 2, or `x` not positive.
    """
    known = {
        BRANCHES: positive_integer("branches", branches),
        LAYERS: positive_integer("layers_per_branch", layers_per_branch, least=2),
        X: positive("x", x),
    }
    return 2 / start().at(known)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (curvature, largest, gradient_square, zeros, fixup, standard)
