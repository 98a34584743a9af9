"""Slopes of the length map of wide tanh nets: how fast lengths settle, and how they die out at gain 1.

The map is q' = g^2 E tanh(z)^2, z = sqrt(q) t, t standard normal (`theory.mean_field.tanh_maps`). One layer at a normal
pre-activation is exact at any width; that layer after layer is normal is the wide limit.

- dq'/dq = g^2 E z tanh(z) sech(z)^2 / q (`slope`).
- At gain 1, q' = q - 2 q^2 + 17 q^3 / 3 for small q (`expansion`), so 1/q grows by 2 a layer: q falls like 1/(2 l)
  (`decay`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive, positive_integer
from theory.expectation import STANDARD_NORMAL, averaged, gaussian
from theory.mean_field import tanh_correlation
from theory.mean_field.tanh_maps import GAIN, Z
from theory.rules import leading, limit, substituting, termwise
from theory.symbols import Q, T

Y = sp.Symbol("y", positive=True)


@cache
def slope() -> Derivation:
    """Derive the slope of the length map: the factor on a small distance to its fixed point."""
    return (
        Derivation.begin(
            "Slope of the tanh length map",
            "Start from the map q' = g^2 E tanh(sqrt(q) t)^2.",
            gaussian(GAIN**2 * sp.tanh(Z) ** 2, T),
        )
        .then(
            "Differentiate in q under the integral.",
            gaussian(GAIN**2 * sp.tanh(Z) * sp.sech(Z) ** 2 * T / sp.sqrt(Q), T),
            termwise(lambda term: sp.diff(term, Q)),
        )
        .then("With z = sqrt(q) t.", gaussian(GAIN**2 * Z * sp.tanh(Z) * sp.sech(Z) ** 2 / Q, T), termwise())
    )


@cache
def expansion() -> Derivation:
    """Derive the length map at gain 1 for small q, to third order."""
    moments = {T: STANDARD_NORMAL}
    return (
        Derivation.begin("Small lengths at gain 1", "A tanh unit at z = y.", sp.tanh(Y) ** 2)
        .then("Expand to sixth order.", Y**2 - 2 * Y**4 / 3 + 17 * Y**6 / 45, leading(Y, 6))
        .then(
            "Put in y = sqrt(q) t.",
            Q * T**2 - 2 * Q**2 * T**4 / 3 + 17 * Q**3 * T**6 / 45,
            substituting({Y: sp.sqrt(Q) * T}),
        )
        .then(
            "Average over t: the moments are 1, 3 and 15. Each step loses 2 q^2.",
            Q - 2 * Q**2 + 17 * Q**3 / 3,
            averaged(moments),
        )
    )


@cache
def decay() -> Derivation:
    """Derive how the length dies out at gain 1: 1/q grows by 2 a layer in the end, so q ~ 1/(2 l)."""
    after = expansion().result
    return (
        Derivation.begin("Decay of lengths at gain 1", "The map for small q.", after)
        .then(
            "The reciprocal grows by 1/q' - 1/q.",
            1 / after - 1 / Q,
            lambda before, now: substituting({})(1 / before - 1 / Q, now),
        )
        .then(
            "As q dies out: by 2. The mean of l such steps tends to 2 as well, so 2 l q tends to 1.",
            sp.Integer(2),
            limit(Q, sp.S.Zero),
        )
    )


def length_slope(gain: Value, variance: Value) -> float:
    """Return dq'/dq at this q. Exact for one layer; the quadrature is that of `tanh_correlation`."""
    q = float(positive("variance", variance))
    return (
        float(positive("gain", gain)) ** 2
        / q
        * tanh_correlation.mean(lambda z: z * math.tanh(z) / math.cosh(z) ** 2, q)
    )


def finite_slope(gain: Value, low: Value, high: Value) -> float:
    """Return the slope of the chord of the length map between two lengths, good to 1e-13 over their distance."""
    first, last = float(positive("low", low)), float(positive("high", high))
    if first >= last:
        raise ValueError(f"expected low below high, got {low} and {high}")
    return (tanh_correlation.next_length(gain, last) - tanh_correlation.next_length(gain, first)) / (last - first)


def lengths(start: float, layers: int) -> list[float]:
    """Return q_0, ..., q_l of a wide tanh net of gain 1, by iterating the map; 2 l q_l tends to 1.

    Asymptotic in the width. The map does not expand, so errors only add up: 1e-13 a layer at the most.
    """
    found = [float(positive("start", start))]
    for _ in range(int(positive_integer("layers", layers))):
        found.append(tanh_correlation.next_length(1, found[-1]))
    return found


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (slope, expansion, decay)
