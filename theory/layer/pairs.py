"""Pairs u phi(z), as SwiGLU, in which one matrix of weights makes u and another z, at the same inputs.

With Gaussian weights u and z are independent N(0, q), so mean squares are exact at any width. Gradients are so in wide
layers only: the weights on their way back are those that made u and z.

- The map is q -> g^2 q E phi^2 (`paired_square`).
- Its slope at the gain that keeps q is 1 more than that of phi by itself (`paired_slope`): above 1 wherever E phi^2
  grows with q, as it does for sigmoid, ReLU, GELU and SiLU.
- Squared gradients grow by chi = 1 + q E phi'^2 / E phi^2 a layer (`paired_growth`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.expectation import STANDARD_NORMAL, averaged
from theory.layer.gain_stability import GAIN, SLOPE, SQUARE
from theory.rules import equal, substituting
from theory.symbols import VARIANCE, N, Q, T

UNIT = sp.Symbol("phi", real=True)
"""The value of the gate, which is independent of what it gates."""
CURVE = sp.Function("M")(Q)
"""E phi(z)^2 as a function of q."""
SINGLE = sp.Symbol("S_1", real=True)
"""The slope of the length map of phi by itself."""


@cache
def paired_square() -> Derivation:
    """Derive the mean square of u phi(z)."""
    return Derivation.begin(
        "Square of a pair", "u is N(0, q), sqrt(q) times a standard normal t.", Q * T**2 * UNIT**2
    ).then(
        "u and phi(z) are independent.",
        Q * SQUARE,
        averaged({T: STANDARD_NORMAL, UNIT: lambda power: SQUARE if power == 2 else sp.Symbol(f"m_{power}")}),
    )


@cache
def paired_slope() -> Derivation:
    """Derive the slope of a pair's length map at the q that its gain keeps, from that of phi."""
    return (
        Derivation.begin(
            "Slope of a pair", "The slope of the next variance, in q.", sp.Derivative(GAIN**2 * Q * CURVE, Q)
        )
        .then("Differentiate.", GAIN**2 * (CURVE + Q * sp.diff(CURVE, Q)))
        .then(
            "The gain that keeps q has g^2 M = 1.",
            1 + Q * sp.diff(CURVE, Q) / CURVE,
            substituting({GAIN: 1 / sp.sqrt(CURVE)}),
        )
        .then(
            "Of phi by itself, whose gain has g^2 M = q, the slope is q M'/M.",
            1 + SINGLE,
            lambda before, now: equal(before.subs(sp.diff(CURVE, Q), SINGLE * CURVE / Q), now),
        )
    )


@cache
def paired_growth() -> Derivation:
    """Derive the factor on the mean squared gradient of a pair, at the gain that keeps q."""
    return (
        Derivation.begin(
            "Gradient factor of a pair",
            "A cotangent goes back through u, which meets phi, and through z, which meets u phi'; both matrices have "
            "variance 1/n, and so many cotangents come with the gain.",
            N * VARIANCE * (SQUARE + Q * SLOPE),
        )
        .then("Weights of variance g^2/n.", GAIN**2 * (SQUARE + Q * SLOPE), substituting({VARIANCE: GAIN**2 / N}))
        .then(
            "The gain that keeps q has g^2 M_0 = 1.", 1 + Q * SLOPE / SQUARE, substituting({GAIN: 1 / sp.sqrt(SQUARE)})
        )
    )


def mean_square(variance: Value, square: Value) -> sp.Expr:
    """Return E u^2 phi(z)^2 where E phi(z)^2 is `square`."""
    return paired_square().at({Q: variance, SQUARE: square})


def length_slope(single: Value) -> sp.Expr:
    """Return the slope of the length map at the gain that keeps q, from that of phi by itself."""
    return paired_slope().at({SINGLE: single})


def gradient_factor(variance: Value, square: Value, slope: Value) -> sp.Expr:
    """Return chi at the gain that keeps the variance, where E phi^2 is `square` and E phi'^2 is `slope`."""
    return paired_growth().at({Q: variance, SLOPE: slope, SQUARE: square})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (paired_square, paired_slope, paired_growth)
