"""Positive homogeneity, f(c x) = c^k f(x) for every c > 0: the degree k, and what keeps or changes it.

Exact; nothing is averaged. Euler's identity holds wherever f is differentiable.

- <grad f(x), x> = k f(x) (`euler`, for two variables).
- Degrees multiply under composition (`composition`), add under multiplication (`multiplication`), and a sum of
  functions of one degree has that degree (`addition`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import real
from theory.rules import DerivationError, Rule, differentiated, equal
from theory.symbols import C, X


@cache
def euler() -> Derivation:
    """Derive Euler's identity <grad f(x), x> = k f(x) for a function of two variables; more add like terms."""
    x, y, k = sp.symbols("x y k", real=True)
    f = sp.Function("f")
    gradient = x * sp.Derivative(f(x, y), x) + y * sp.Derivative(f(x, y), y)
    return Derivation.begin(
        "Euler's identity",
        "Let f be positively homogeneous of degree k and differentiable at the point.",
        sp.Eq(f(C * x, C * y), C**k * f(x, y)),
    ).then("Differentiate in c at c = 1.", sp.Eq(gradient, k * f(x, y)), differentiated(C, 1))


@cache
def composition() -> Derivation:
    """Derive that degrees multiply under composition."""
    f, g = sp.Function("f"), sp.Function("g")
    k, m = sp.symbols("k m", real=True)
    return (
        Derivation.begin(
            "Degree of a composition", "Scale the input of f(g(x)); g has degree m and f degree k.", f(g(C * X))
        )
        .then("Use the degree of g.", f(C**m * g(X)), _degree_of(g, m))
        .then("Use the degree of f, with the factor c^m.", (C**m) ** k * f(g(X)), _degree_of(f, k))
        .then("Powers of powers multiply.", C ** (k * m) * f(g(X)))
        .then("Read the degree off.", k * m, _exponent_over(f(g(X))))
    )


@cache
def addition() -> Derivation:
    """Derive that a sum of functions of one degree has that degree."""
    f, g, k = sp.Function("f"), sp.Function("g"), sp.Symbol("k", real=True)
    return (
        Derivation.begin("Degree of a sum", "Scale the input of f(x) + g(x), both of degree k.", f(C * X) + g(C * X))
        .then("Use the degree of f.", C**k * f(X) + g(C * X), _degree_of(f, k))
        .then("Use the degree of g.", C**k * f(X) + C**k * g(X), _degree_of(g, k))
        .then("Take out the factor.", C**k * (f(X) + g(X)))
        .then("Read the degree off.", k, _exponent_over(f(X) + g(X)))
    )


@cache
def multiplication() -> Derivation:
    """Derive that degrees add under multiplication."""
    f, g = sp.Function("f"), sp.Function("g")
    k, m = sp.symbols("k m", real=True)
    return (
        Derivation.begin(
            "Degree of a product", "Scale the input of f(x) g(x), of degrees k and m.", f(C * X) * g(C * X)
        )
        .then("Use the degree of f.", C**k * f(X) * g(C * X), _degree_of(f, k))
        .then("Use the degree of g.", C**k * C**m * f(X) * g(X), _degree_of(g, m))
        .then("Read the degree off.", k + m, _exponent_over(f(X) * g(X)))
    )


def _degree_of(function: sp.FunctionClass, degree: sp.Expr) -> Rule:
    """Take the power of c out of every argument of `function` and raise it to `degree`."""

    def pull(argument: sp.Expr) -> sp.Expr:
        rest, factor = argument.as_independent(C, as_Add=False)
        return factor**degree * function(rest) if rest.has(X) else function(argument)

    return lambda before, now: equal(before.replace(function, pull), now)


def _exponent_over(value: sp.Expr) -> Rule:
    """Check that this is the exponent of c in the previous expression, a power of c times `value`."""

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        power = sp.powsimp(sp.cancel(before / value))
        if power.subs(C, 1) != 1:
            raise DerivationError(f"{before} is not {value} times a power of {C}")
        return equal(sp.simplify(C * sp.diff(power, C) / power), now)

    return rule


def composition_degree(outer: Value, inner: Value) -> sp.Expr:
    """Return the degree of f(g(x)) for f of degree `outer` and g of degree `inner`: their product."""
    return composition().at(k=real("outer", outer), m=real("inner", inner))


def product_degree(left: Value, right: Value) -> sp.Expr:
    """Return the degree of f(x) g(x): the sum of the degrees. A product of two degree-1 functions has degree 2."""
    return multiplication().at(k=real("left", left), m=real("right", right))


def sum_degree(*degrees: Value) -> sp.Expr:
    """Return the degree of a sum of functions, or of their concatenation: their common degree.

    Raises
    ------
    ValueError
        If the degrees differ, or there are none; such a sum is not homogeneous.
    """
    if len({sp.sympify(degree) for degree in degrees}) != 1:
        raise ValueError(f"degrees are {degrees}; expected equal degrees")
    return addition().at(k=real("degrees", degrees[0]))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (euler, composition, addition, multiplication)
