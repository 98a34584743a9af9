"""Gains of activations at any variance q of the pre-activation, and whether a deep net stays at the q that they keep.

A layer of weights of variance g^2/n maps q to g^2 E phi(z)^2, z ~ N(0, q). The gain of q makes that q again; what it
does to other variances decides whether deep nets stay there. Over one layer exact at any width; numbers without a
closed form are by quadrature, to about 1e-12.

- The gain that keeps q is sqrt(q / E phi(z)^2) (`gain`); for phi(b z) / b, as Swish has it, that of phi at b^2 q.
- There the map has the slope (E (z^2/q) phi^2 / E phi^2 - 1) / 2 (`slope`, `length_slope`): below 1 a layer brings a
  mean square back, above 1 it drives it away. At q = 1 it is 0.461 for tanh, but 1.144 for GELU and 1.173 for SiLU.
- GELU and SiLU are z s(z) with s(-z) = 1 - s(z), so E phi^2 / q = 1/4 + E t^2 (s - 1/2)^2 (`gated`), t = z / sqrt q. As
  |s - 1/2| grows with |z|, this grows with q: the slope is above 1 at every q, and no gain has a stable fixed point.
- Squared gradients grow by chi = q E phi'^2 / E phi^2 a layer (`growth`, `gradient_factor`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive
from theory.rules import equal, opened, substituting, termwise
from theory.symbols import VARIANCE, N, Q, T

GAIN = sp.Symbol("g", positive=True)
Z = sp.Symbol("z", real=True)
UNIT = sp.Function("phi")(Z)
GATE = sp.Symbol("s", real=True)
"""s(z), the gate of z s(z)."""
SQUARE, WEIGHTED, SLOPE = sp.symbols("M_0 M_2 S", positive=True)
"""E phi(z)^2, E (z^2 / q) phi(z)^2 and E phi'(z)^2."""
DENSITY = sp.exp(-(Z**2) / (2 * Q)) / sp.sqrt(2 * sp.pi * Q)

Function = Callable[[float], float]


@cache
def kept() -> Derivation:
    """Derive the squared gain that keeps the variance q."""
    return (
        Derivation.begin(
            "Gain that keeps q",
            "n terms, each with the variance of a weight and the mean square of a unit.",
            N * VARIANCE * SQUARE,
        )
        .then("Weights of variance g^2/n.", GAIN**2 * SQUARE, substituting({VARIANCE: GAIN**2 / N}))
        .then("Ask for q again.", Q, substituting({GAIN: sp.sqrt(Q / SQUARE)}))
    )


@cache
def slope() -> Derivation:
    """Derive the slope of the length map at the q that its gain keeps."""
    return (
        Derivation.begin(
            "Slope of the length map",
            "The next variance is g^2 times the mean of phi^2 over the density of z.",
            sp.Integral(GAIN**2 * UNIT**2 * DENSITY, (Z, -sp.oo, sp.oo)),
        )
        .then(
            "Differentiate in q under the integral: only the density depends on it.",
            sp.Integral(GAIN**2 * UNIT**2 * DENSITY * (Z**2 / Q - 1) / (2 * Q), (Z, -sp.oo, sp.oo)),
            termwise(lambda term: sp.diff(term, Q)),
        )
        .then(
            "Put in the gain that keeps q.",
            sp.Integral(UNIT**2 * DENSITY * (Z**2 / Q - 1) / (2 * SQUARE), (Z, -sp.oo, sp.oo)),
            termwise(lambda term: term.subs(GAIN, sp.sqrt(Q / SQUARE))),
        )
        .then("The means of phi^2 and of (z^2/q) phi^2 are M_0 and M_2.", (WEIGHTED / SQUARE - 1) / 2, _named)
    )


def _named(before: sp.Basic, now: sp.Basic) -> str:
    weights = sp.Poly(sp.cancel(opened(before)[0] / (UNIT**2 * DENSITY)), Z)
    means = {(0,): SQUARE, (2,): Q * WEIGHTED}
    return equal(sum(coefficient * means[power] for power, coefficient in weights.terms()), now)


@cache
def gated() -> Derivation:
    """Derive the mean square of z s(z), over q, where s(-z) = 1 - s(z)."""
    return (
        Derivation.begin("Mean square of a gated unit", "Of z s(z), over q, at z = sqrt(q) t.", T**2 * GATE**2)
        .then(
            "Average it over t and -t, where the gate is 1 - s.",
            T**2 * (GATE**2 + (1 - GATE) ** 2) / 2,
            lambda before, now: equal((before + before.subs({T: -T, GATE: 1 - GATE}, simultaneous=True)) / 2, now),
        )
        .then("Complete the square; t^2 has mean 1.", T**2 / 4 + T**2 * (GATE - sp.Rational(1, 2)) ** 2)
    )


@cache
def growth() -> Derivation:
    """Derive the factor on the mean squared gradient, at the gain that keeps q."""
    return (
        Derivation.begin(
            "Gradient factor at the gain",
            "Each of n cotangents brings a weight's variance, and all meet the squared slope of the unit.",
            N * VARIANCE * SLOPE,
        )
        .then("Weights of variance g^2/n.", GAIN**2 * SLOPE, substituting({VARIANCE: GAIN**2 / N}))
        .then("Put in the gain that keeps q.", Q * SLOPE / SQUARE, substituting({GAIN: sp.sqrt(Q / SQUARE)}))
    )


def _logistic(z: float) -> float:
    return (1 + math.tanh(z / 2)) / 2


def _softplus(z: float) -> float:
    return max(z, 0.0) + math.log1p(math.exp(-abs(z)))


def _normal(z: float) -> float:
    return math.erfc(-z / math.sqrt(2)) / 2


def _mish_slope(z: float) -> float:
    squashed = math.tanh(_softplus(z))
    return squashed + z * (1 - squashed**2) * _logistic(z)


ALPHA, LAMBDA = 1.6732632423543772, 1.0507009873554805
"""SELU's constants (Klambauer et al. 2017), derived in `theory.layer.selu`."""

ACTIVATIONS: Mapping[str, tuple[Function, Function]] = {
    "tanh": (math.tanh, lambda z: 1 - math.tanh(z) ** 2),
    "sigmoid": (_logistic, lambda z: _logistic(z) * _logistic(-z)),
    "SELU": (
        lambda z: LAMBDA * (z if z > 0 else ALPHA * math.expm1(z)),
        lambda z: LAMBDA * (1.0 if z > 0 else ALPHA * math.exp(z)),
    ),
    "ELU": (lambda z: z if z > 0 else math.expm1(z), lambda z: math.exp(min(z, 0.0))),
    "GELU": (
        lambda z: z * _normal(z),
        lambda z: _normal(z) + z * math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi),
    ),
    "SiLU": (lambda z: z * _logistic(z), lambda z: _logistic(z) * (1 + z * _logistic(-z))),
    "Mish": (lambda z: z * math.tanh(_softplus(z)), _mish_slope),
    "softplus": (_softplus, _logistic),
    "sine": (math.sin, math.cos),
}
"""Each with its derivative. SiLU is Swish with b = 1, ELU has alpha = 1."""


def mean(function: Function, variance: Value) -> float:
    """Return E f(z), z ~ N(0, variance), for an f that is analytic on both sides of 0 and grows like a power.

    The trapezoidal rule in x, |z| = sqrt(variance) exp(x - exp(-x)), which converges exponentially; its step is halved
    until two values agree within 1e-13 of their size, so the error is below that but for rounding, an estimate.

    Raises
    ------
    ValueError
        If `variance` is not positive.
    ArithmeticError
        If steps down to 1/256 do not agree, as where f oscillates fast.
    """
    deviation = math.sqrt(float(positive("variance", variance)))
    step, now = 1 / 8, _trapezoid(function, deviation, 1 / 8)
    while step > 1 / 256:
        step, before = step / 2, now
        now = _trapezoid(function, deviation, step)
        if abs(now - before) <= 1e-13 * (1e-3 + abs(now)):
            return now
    raise ArithmeticError(f"the quadrature at variance {variance} gives {before} and {now}; a smaller variance may do")


def _trapezoid(function: Function, deviation: float, step: float) -> float:
    terms = []
    for i in range(math.floor(-3.75 / step), math.ceil(2.75 / step) + 1):
        x = i * step
        t = math.exp(x - math.exp(-x))
        weight = t * (1 + math.exp(-x)) * math.exp(-(t**2) / 2) / math.sqrt(2 * math.pi)
        if weight > 0:
            terms.append(weight * (function(deviation * t) + function(-deviation * t)))
    return step * math.fsum(terms)


@cache
def _moments(activation: str, variance: float) -> tuple[float, float, float]:
    """Return M_0, M_2 and S."""
    unit, derivative = named(activation)
    return (
        mean(lambda z: unit(z) ** 2, variance),
        mean(lambda z: z**2 / variance * unit(z) ** 2, variance),
        mean(lambda z: derivative(z) ** 2, variance),
    )


def named(activation: str) -> tuple[Function, Function]:
    """Return an activation and its derivative.

    Raises
    ------
    ValueError
        If it is none of `ACTIVATIONS`.
    """
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation is {activation!r}; expected one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[activation]


def second_moment(activation: str, variance: Value = 1) -> float:
    """Return E phi(z)^2, z ~ N(0, variance). Exact for one layer, to about 1e-12."""
    return _moments(activation, float(positive("variance", variance)))[0]


def gain(activation: str, variance: Value = 1) -> float:
    """Return sqrt(variance / E phi(z)^2): with weights of variance gain^2 / fan_in pre-activations keep `variance`."""
    return math.sqrt(float(positive("variance", variance)) / second_moment(activation, variance))


def length_slope(activation: str, variance: Value = 1) -> float:
    """Return the slope of q -> gain^2 E phi(z)^2 at the variance that the gain keeps; above 1 deep nets leave it."""
    square, weighted, _ = _moments(activation, float(positive("variance", variance)))
    return float(slope().at({SQUARE: square, WEIGHTED: weighted}))


def secant(activation: str, gap: float, variance: Value = 1) -> float:
    """Return the same slope between variance (1 - gap) and variance (1 + gap), gap between 0 and 1."""
    if not 0 < gap < 1:
        raise ValueError(f"gap is {gap}; expected a number between 0 and 1")
    q = float(positive("variance", variance))
    up, down = (second_moment(activation, q * factor) for factor in (1 + gap, 1 - gap))
    return (up - down) / (2 * gap * second_moment(activation, q))


def gradient_factor(activation: str, variance: Value = 1) -> float:
    """Return chi = gain^2 E phi'(z)^2, the factor per layer on the mean squared gradient at pre-activations."""
    q = float(positive("variance", variance))
    square, _, derivative = _moments(activation, q)
    return float(growth().at({Q: q, SLOPE: derivative, SQUARE: square}))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (kept, slope, gated, growth)
