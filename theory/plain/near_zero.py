"""Sigmoid nets with small weights are nearly affine maps, however deep.

a is the sum of the sizes of a unit's weights, at most; inputs lie between -1 and 1, and no unit has a bias. Exact;
nothing is averaged.

- With u = (2 sigma - 1)^2 the third derivative of sigma is (1 - u) (3 u - 1) / 8 (`third`), whose size is at most 1/8.
- So sigma(z) is 1/2 + z/4 to within |z|^3 / 48 (`one_unit`), and |z| <= a.
- An error is multiplied by at most a / 4 in the next layer, where a^3 / 48 is added (`in_depth`): after L layers it is
  at most a^3 / 48 (1 - (a/4)^L) / (1 - a/4), and for a < 4 at most a^3 / (12 (4 - a)) at any depth (`any_depth`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive, positive_integer
from theory.rules import DerivationError, at_most, naming, opened, recursion
from theory.symbols import DEPTH

Z, U = sp.Symbol("z", positive=True), sp.Symbol("u", positive=True)
AT = sp.Symbol("t", positive=True)
SIGMOID = 1 / (1 + sp.exp(-Z))
WEIGHT = sp.Symbol("a", positive=True)
"""The sum of the sizes of a unit's weights."""


@cache
def third() -> Derivation:
    """Derive the third derivative of the sigmoid."""
    return Derivation.begin(
        "Third derivative of the sigmoid", "Differentiate three times.", sp.diff(SIGMOID, Z, 3)
    ).then(
        "Write u for the square of twice the sigmoid less 1, from 0 to 1.",
        (1 - U) * (3 * U - 1) / 8,
        naming({U: (2 * SIGMOID - 1) ** 2}),
    )


@cache
def one_unit() -> Derivation:
    """Derive the distance of the sigmoid from its tangent at 0, where its second derivative is 0."""
    polynomial = third().result
    return (
        Derivation.begin(
            "Distance of the sigmoid from its tangent",
            "Taylor's remainder, with the size of the third derivative at some u from 0 to 1.",
            sp.Integral((Z - AT) ** 2 / 2 * sp.Abs(polynomial), (AT, 0, Z)),
        )
        .then(
            "That is largest at u = 0.",
            at_most(
                sp.Integral((Z - AT) ** 2 / 2 * sp.Abs(polynomial), (AT, 0, Z)),
                sp.Integral((Z - AT) ** 2 / 2 / 8, (AT, 0, Z)),
            ),
            _largest_on_unit_interval(polynomial),
        )
        .then(
            "Integrate.",
            at_most(sp.Integral((Z - AT) ** 2 / 2 * sp.Abs(polynomial), (AT, 0, Z)), Z**3 / 48),
            _integrated,
        )
    )


def _largest_on_unit_interval(polynomial: sp.Expr) -> Callable[[sp.Basic, sp.Basic], str]:
    """Check that the size of a polynomial in u was replaced by its largest on [0, 1], at an end or where it is flat."""

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        flat = [point for point in sp.solve(sp.diff(polynomial, U), U) if 0 < point < 1]
        largest = max(abs(polynomial.subs(U, point)) for point in (0, 1, *flat))
        (inside, *ranges), (bound, *same) = opened(before), opened(now.rhs)
        if now.lhs != before or ranges != same or sp.expand(inside.subs(sp.Abs(polynomial), largest) - bound) != 0:
            raise DerivationError(f"{now} does not put {largest} for the size of {polynomial}")
        return "exact"

    return rule


def _integrated(before: sp.Basic, now: sp.Basic) -> str:
    integral = sp.integrate(before.rhs.function, *before.rhs.limits)
    if before.func != now.func or before.lhs != now.lhs or sp.expand(integral - now.rhs) != 0:
        raise DerivationError(f"{now.rhs} is not {integral}")
    return "exact"


@cache
def in_depth() -> Derivation:
    """Derive the bound of the distance from an affine map after l layers."""
    error = sp.Function("e")
    local = one_unit().result.subs(Z, WEIGHT)
    return Derivation.begin(
        "Distance of a sigmoid net from an affine map",
        "An error of the layer below moves a pre-activation by at most a times as much, and the tangent has slope 1/4.",
        sp.Eq(error(DEPTH + 1), local + WEIGHT / 4 * error(DEPTH)),
    ).then(
        "A geometric sum.",
        sp.Eq(error(DEPTH), local * (1 - (WEIGHT / 4) ** DEPTH) / (1 - WEIGHT / 4)),
        recursion(DEPTH, sp.S.Zero),
    )


@cache
def any_depth() -> Derivation:
    """Derive the bound for all depths, for a < 4."""
    return Derivation.begin(
        "Distance of a sigmoid net of any depth",
        "Leave out (a/4)^l.",
        one_unit().result.subs(Z, WEIGHT) / (1 - WEIGHT / 4),
    ).then("Collect.", WEIGHT**3 / (12 * (4 - WEIGHT)))


def distance(weight: Value, layers: Value) -> sp.Expr:
    """Return a bound of how far a sigmoid net is from its affine twin, at a sum `weight` of the sizes of weights.

    At 4, where the geometric sum has equal terms, it is one layer's for each.
    """
    size, depth = positive("weight", weight), positive_integer("layers", layers)
    return (
        depth * one_unit().result.subs(Z, size) if (size - 4).is_zero else in_depth().at({WEIGHT: size, DEPTH: depth})
    )


def distance_at_any_depth(weight: Value) -> sp.Expr:
    """Return a bound for all depths; infinite from a sum of 4 on."""
    size = positive("weight", weight)
    return sp.oo if size >= 4 else any_depth().at({WEIGHT: size})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (third, one_unit, in_depth, any_depth)
