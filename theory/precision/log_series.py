"""The power series of the matrix logarithm, log(1 + X) = X - X^2/2 + X^3/3 - ..., and its radius of convergence, 1.

For diagonalisable X it acts on every eigenvalue x by itself; here x is real and above -1, r = |x|. Exact.

- After K terms 1/(1 + x) less the derivative of the sum is (-x)^K / (1 + x) (`slope_of_remainder`).
- So the remainder is an integral of it, and is at least r^(K+1) / ((K + 1) (1 + r)) (`least_remainder`); where r < 1 it
  is at most r^(K+1) / ((K + 1) (1 - r)) (`most_remainder`).
- A term is r K / (K + 1) times as large as the one before, which tends to r (`ratio`): for r > 1 terms grow.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive_integer
from theory.rules import DerivationError, Rule, at_least, at_most, limit, opened

TERMS = sp.Symbol("K", integer=True, positive=True)
RADIUS, AT = sp.symbols("r t", positive=True)
"""Size of the eigenvalue, and a point between 0 and it."""
EIGENVALUE = sp.Symbol("x", positive=True)


@cache
def slope_of_remainder() -> Derivation:
    """Derive the derivative of what is left of log(1 + x) after K terms."""
    k = sp.Symbol("k", integer=True)
    partial = sp.Sum((-1) ** k * EIGENVALUE**k, (k, 0, TERMS - 1))
    return Derivation.begin(
        "Derivative of the remainder",
        "Differentiate log(1 + x) and the terms (-1)^(k+1) x^k / k.",
        1 / (1 + EIGENVALUE) - partial,
    ).then("A geometric sum.", (-1) ** TERMS * EIGENVALUE**TERMS / (1 + EIGENVALUE))


@cache
def least_remainder() -> Derivation:
    """Derive the lower bound of the remainder's size: at x > 0, where the denominator is larger than at -x."""
    return _bound("Least remainder", 1 + AT, 1 + RADIUS, at_least)


@cache
def most_remainder() -> Derivation:
    """Derive the upper bound of the remainder's size for r < 1: at -r, where the denominator is smaller than at r."""
    return _bound("Largest remainder", 1 - AT, 1 - RADIUS, at_most)


def _bound(
    title: str, denominator: sp.Expr, end: sp.Expr, relation: Callable[[sp.Expr, sp.Expr], sp.Basic]
) -> Derivation:
    whole = sp.Integral(AT**TERMS / denominator, (AT, 0, RADIUS))
    constant = sp.Integral(AT**TERMS / end, (AT, 0, RADIUS))
    bound = RADIUS ** (TERMS + 1) / ((TERMS + 1) * end)
    return (
        Derivation.begin(title, "Integrate the derivative of the remainder from 0; t is the distance from it.", whole)
        .then("The denominator at its end.", relation(whole, constant), _at_the_end(denominator, relation))
        .then("Integrate.", relation(whole, bound), _integrated(bound))
    )


def _at_the_end(denominator: sp.Expr, relation: Callable[[sp.Expr, sp.Expr], sp.Basic]) -> Rule:
    """Check that a monotonic denominator was replaced by its value at the far end, and in which direction that goes."""

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        (inside, *ranges), (bound, *same) = opened(before), opened(now.rhs)
        falls = sp.diff(denominator, AT).is_negative
        larger = at_most if falls else at_least
        replaced = sp.simplify(inside * denominator / denominator.subs(AT, RADIUS) - bound)
        if now.lhs != before or ranges != same or replaced != 0 or larger is not relation:
            raise DerivationError(f"{now} does not put the end into the denominator of {before}")
        return "exact"

    return rule


def _integrated(bound: sp.Expr) -> Rule:
    def rule(before: sp.Basic, now: sp.Basic) -> str:
        integral = sp.integrate(before.rhs.function, *before.rhs.limits)
        if before.func != now.func or before.lhs != now.lhs or sp.simplify(integral - now.rhs) != 0:
            raise DerivationError(f"{now.rhs} is not {integral}")
        return "exact"

    return rule


@cache
def ratio() -> Derivation:
    """Derive the radius of convergence: where neighbouring terms have the ratio 1 in the limit."""
    size = RADIUS**TERMS / TERMS
    return (
        Derivation.begin("Ratio of neighbouring terms", "Divide the sizes.", size.subs(TERMS, TERMS + 1) / size)
        .then("Collect.", RADIUS * TERMS / (TERMS + 1))
        .then("It tends to r: terms shrink for r < 1 and grow for r > 1.", RADIUS, limit(TERMS, sp.oo))
    )


def growth_of_terms(radius: Value) -> sp.Expr:
    """Return the ratio of neighbouring terms, in the limit, at spectral radius `radius`: below 1 they are summable."""
    return ratio().at({RADIUS: nonnegative("radius", radius)})


def least_error(radius: Value, terms: Value) -> sp.Expr:
    """Return the least size of log(1 + x) less K `terms` of its series, for |x| = `radius`. Exact."""
    return _remainder(least_remainder(), radius, terms)


def largest_error(radius: Value, terms: Value) -> sp.Expr:
    """Return the largest size of log(1 + x) less K `terms` of its series, for |x| = `radius`; infinite from 1 on.

    At -1 the logarithm itself is infinite, and beyond it the terms grow.
    """
    size = nonnegative("radius", radius)
    return sp.oo if size >= 1 else _remainder(most_remainder(), radius, terms)


def _remainder(bound: Derivation, radius: Value, terms: Value) -> sp.Expr:
    return bound.at({RADIUS: nonnegative("radius", radius), TERMS: positive_integer("terms", terms)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (slope_of_remainder, least_remainder, most_remainder, ratio)
