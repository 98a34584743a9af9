"""Second moments of activations at a standard normal pre-activation t, and the gains that undo them.

The gain is 1 / sqrt(E phi(t)^2) (`gain`), or 1 / sqrt(Var phi(t)) for weights that sum to 0 (`centred_gain`). ReLU is
in `theory.layer.rectifiers`, SELU in `theory.layer.selu`. Exact for one layer; P is the normal distribution function.

- GELU, t P(t): mean 1 / (2 sqrt pi) (`gelu_mean`), second moment 1/3 + 1 / (2 sqrt(3) pi) (`gelu_second`).
- Sigmoid: second moment (1 + E tanh(t/2)^2) / 4 (`sigmoid_second`).
- tanh has no closed form: quadrature over the real line, where it is analytic, to 15 digits (`tanh_moment`). Kinked
  activations are split at 0, where a quadrature would lose digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative
from theory.expectation import by_parts, gaussian
from theory.layer import rectifiers, selu
from theory.rules import Rule, equal, opened, termwise
from theory.symbols import T

DENSITY = sp.exp(-(T**2) / 2) / sp.sqrt(2 * sp.pi)
BELOW = (1 + sp.erf(T / sp.sqrt(2))) / 2
"""The standard normal distribution function."""


@cache
def gelu_mean() -> Derivation:
    """Derive E t P(t), P the normal distribution function."""
    return (
        Derivation.begin("Mean of GELU", "Average t P(t), P the normal distribution function.", gaussian(T * BELOW, T))
        .then("By parts, with t p = -p': one density more.", gaussian(DENSITY, T), by_parts(-BELOW * DENSITY))
        .then("Integrate the squared density.", 1 / (2 * sp.sqrt(sp.pi)))
    )


@cache
def gelu_second() -> Derivation:
    """Derive E (t P(t))^2."""
    return (
        Derivation.begin("Second moment of GELU", "Average its square.", gaussian((T * BELOW) ** 2, T))
        .then(
            "By parts twice, with t p = -p' and then 2 t p^2 = -(p^2)'.",
            gaussian(BELOW**2 + DENSITY**2, T),
            by_parts(-T * BELOW**2 * DENSITY - BELOW * DENSITY**2),
        )
        .then(
            "P^2 p is the derivative of P^3/3, and the cubed density is a normal one.",
            sp.Rational(1, 3) + 1 / (2 * sp.sqrt(3) * sp.pi),
            _with_ends(BELOW**3 / 3),
        )
    )


def _with_ends(primitive: sp.Expr) -> Rule:
    """Take the derivative of `primitive` out of the integrand, its difference between the ends instead."""

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        integrand, (variable, low, high) = opened(before)
        rest = sp.expand(integrand - sp.diff(primitive, variable))
        ends = sp.limit(primitive, variable, high) - sp.limit(primitive, variable, low)
        return equal(ends + sp.integrate(rest, (variable, low, high)), now)

    return rule


@cache
def sigmoid_second() -> Derivation:
    """Derive E of the squared logistic function from that of tanh."""
    halved = sp.tanh(T / 2)
    return Derivation.begin(
        "Second moment of the sigmoid",
        "The sigmoid is (1 + tanh(t/2))/2; average its square.",
        gaussian((1 + halved) ** 2 / 4, T),
    ).then("The odd part averages to 0.", gaussian((1 + halved**2) / 4, T), _reflected)


def _reflected(before: sp.Basic, now: sp.Basic) -> str:
    return termwise(lambda integrand: (integrand + integrand.subs(T, -T)) / 2)(before, now)


def tanh_second_moment(variance: float) -> float:
    """Return E tanh(z)^2 for z ~ N(0, variance), as `tanh_moment` does."""
    return tanh_moment(2, float(nonnegative("variance", variance)))


@cache
def tanh_moment(order: int, variance: float, slope_order: int = 0) -> float:
    """Return E tanh(z)^order (1 - tanh(z)^2)^slope_order for an even order and z ~ N(0, variance).

    By the trapezoidal rule, which converges exponentially here: its step, a quarter of the smaller of the two scales of
    the integrand at first, is halved until two values agree to 1e-15.

    Raises
    ------
    ArithmeticError
        If four steps do not agree, or the variance is above 10^8.
    """
    root = math.sqrt(variance)
    if root > 1e4:
        raise ArithmeticError(f"the variance is {variance}; the quadrature is tested up to 1e8")
    step, previous, now = 0.5 / max(1.0, root), math.nan, math.inf
    for _ in range(4):
        step, previous = step / 2, now
        values = (_tanh_and_slope(root * k * step, order, slope_order) for k in range(1, round(10 / step)))
        terms = (math.exp(-((k * step) ** 2) / 2) * value for k, value in enumerate(values, 1))
        now = step / math.sqrt(2 * math.pi) * (2 * math.fsum(terms) + 0.0**order)
        if abs(now - previous) <= 1e-15:
            return now
    raise ArithmeticError(f"at variance {variance} the last two values differ by {abs(now - previous):.0e}")


def _tanh_and_slope(z: float, order: int, slope_order: int) -> float:
    """Return tanh(z)^order (1 - tanh(z)^2)^slope_order for z >= 0, without overflow or cancellation."""
    decay = math.exp(-2 * z)
    return ((1 - decay) / (1 + decay)) ** order * (4 * decay / (1 + decay) ** 2) ** slope_order


@cache
def _moments() -> Mapping[str, tuple[Value, Value, Value]]:
    tanh = tanh_second_moment(1.0)
    logistic = (1 + tanh_second_moment(0.25)) / 4
    return {
        "relu": (rectifiers.relu_mean(1), rectifiers.relu_second_moment(1), rectifiers.relu_fourth_moment(1)),
        "tanh": (0, tanh, tanh),
        "sigmoid": (sp.Rational(1, 2), logistic, logistic),
        "GELU": (gelu_mean().result, gelu_second().result, rectifiers.relu_fourth_moment(1)),
        "SELU": (0, 1, selu.fourth_moment()),
    }


def second_moment(activation: str) -> sp.Expr:
    """Return E phi(t)^2, t ~ N(0, 1), of "relu", "tanh", "sigmoid", "GELU" or "SELU".

    Raises
    ------
    ValueError
        If the activation is another.
    """
    return sp.sympify(_of(activation)[1])


def variance(activation: str) -> sp.Expr:
    """Return Var phi(t), t ~ N(0, 1)."""
    mean, second, _ = _of(activation)
    return sp.sympify(second) - sp.sympify(mean) ** 2


def fourth_moment_bound(activation: str) -> sp.Expr:
    """Return a bound of E phi(t)^4, t ~ N(0, 1), the value itself for ReLU and SELU.

    At most E phi^2 where |phi| is at most 1; for GELU at most that of ReLU, for P^4 + (1 - P)^4 is at most 1.
    """
    return sp.sympify(_of(activation)[2])


def gain(activation: str) -> sp.Expr:
    """Return 1 / sqrt(E phi(t)^2): weights of variance gain^2 / fan_in then keep the pre-activation's variance 1."""
    return 1 / sp.sqrt(second_moment(activation))


def centred_gain(activation: str) -> sp.Expr:
    """Return 1 / sqrt(Var phi(t)), the gain of weights whose rows sum to 0; with others it is too large."""
    return 1 / sp.sqrt(variance(activation))


def _of(activation: str) -> tuple[Value, Value, Value]:
    table = _moments()
    if activation not in table:
        raise ValueError(f"activation is {activation!r}; expected one of {', '.join(table)}")
    return table[activation]


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (gelu_mean, gelu_second, sigmoid_second)
