"""Depth scales of wide tanh nets with biases in their ordered phase: nearby inputs merge and gradients die like chi^l.

Weights have variance g^2/n and biases s_b^2; chi = g^2 E tanh'(z)^2 at the length q that layers keep
(`settled_length`). In the wide limit, away from chi = 1 only, where both become powers of the depth; over one layer
`distance_moment` is exact at any width.

- Squared distances fall like d_l = d_0 chi^l = d_0 exp(-l / xi) (`decay`), xi = -1 / log chi (`correlation_length`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive
from theory.expectation import STANDARD_NORMAL, averaged
from theory.mean_field import tanh_correlation
from theory.rules import equal, leading, recursion
from theory.symbols import DEPTH

CHI, START = sp.symbols("chi d_0", positive=True)
XI, GAIN = sp.symbols("xi g", positive=True)


@cache
def nearby() -> Derivation:
    """Derive the factor of a layer on the squared distance of nearby inputs: chi = g^2 E phi'(u)^2."""
    phi, u, step, apart = sp.Function("phi"), sp.Symbol("u", real=True), sp.Symbol("epsilon"), sp.Symbol("t", real=True)
    slope = sp.diff(phi(u), u)
    return (
        Derivation.begin(
            "Squared distance of nearby inputs",
            "Two pre-activations u and u + epsilon t, t standard normal and independent of u, meet an activation phi "
            "and weights of variance g^2/n: their mean squared distance behind them, given u and t.",
            GAIN**2 * (phi(u + step * apart) - phi(u)) ** 2,
        )
        .then("Expand to second order in epsilon.", GAIN**2 * slope**2 * apart**2 * step**2, leading(step, 2))
        .then("Average over t.", GAIN**2 * slope**2 * step**2, averaged({apart: STANDARD_NORMAL}))
        .then(
            "Over epsilon^2, the squared distance before: chi, averaged over u.",
            GAIN**2 * slope**2,
            lambda before, now: equal(before / step**2, now),
        )
    )


@cache
def decay() -> Derivation:
    """Derive the depth scale on which squared distances, and squared gradients, fall by a factor e."""
    d = sp.Function("d")
    return (
        Derivation.begin(
            "Correlation length",
            "At the fixed length every layer multiplies the squared distance of nearby inputs by chi.",
            sp.Eq(d(DEPTH + 1), CHI * d(DEPTH)),
        )
        .then("Solve from d_0.", sp.Eq(d(DEPTH), START * CHI**DEPTH), recursion(DEPTH, START))
        .then(
            "After xi layers a factor e is lost.",
            sp.Eq(CHI**XI, sp.exp(-1)),
            lambda before, now: equal(sp.Eq(before.rhs.subs(DEPTH, XI) / START, sp.exp(-1), evaluate=False), now),
        )
        .then("Solve for xi.", sp.Eq(XI, -1 / sp.log(CHI)), _by_logarithms)
    )


def _by_logarithms(before: sp.Basic, now: sp.Basic) -> str:
    """Take logarithms of chi^xi = e^-1 and divide."""
    return equal(sp.Eq(XI, sp.log(before.rhs) / (sp.expand_log(sp.log(before.lhs)) / XI), evaluate=False), now)


@cache
def settled_length(gain: Value, bias: Value) -> float:
    """Return the q with q = g^2 E tanh(z)^2 + s_b^2, by iterating the map, to 1e-12.

    Raises
    ------
    ValueError
        If `gain` or `bias` (s_b^2) is not positive: without biases see `tanh_maps.fixed_point`; or if the map has not
        settled after 1,000 layers.
    """
    g, b, q = positive("gain", gain), float(positive("bias", bias)), 1.0
    for _ in range(1000):
        after = tanh_correlation.next_length(g, q) + b
        if abs(after - q) < 1e-14 * q:
            return after
        q = after
    raise ValueError(f"the length has not settled after 1,000 layers at gain {gain} and bias variance {bias}")


@cache
def chi(gain: Value, variance: float) -> float:
    """Return g^2 E tanh'(z)^2, as `tanh_maps.gradient_growth` does, a thousand times faster."""
    slope = tanh_correlation.mean(lambda z: math.cosh(z) ** -4, variance)
    return float(positive("gain", gain)) ** 2 * slope


def correlation_length(gain: Value, variance: float) -> float:
    """Return xi = -1 / log chi, the layers in which squared distances and gradients fall by a factor e.

    Raises
    ------
    ValueError
        If chi is 1 or more: nearby inputs then do not merge exponentially.
    """
    factor = chi(gain, variance)
    if factor >= 1:
        raise ValueError(f"chi is {factor} at gain {gain} and variance {variance}; expected one below 1")
    return float(decay().at(chi=factor))


@cache
def distance_moment(order: int, gain: Value, bias: Value, angle: float) -> float:
    """Return the mean of (g (tanh u - tanh v))^order over sigma^order, sigma^2 = E (u - v)^2, at the settled length.

    u and v are the pre-activations of a unit at two inputs of one norm at this angle. Of order 2 it is the mean factor
    of a layer on their squared distance. Exact for one layer at any width, up to 1e-9 for angles of 0.01 and more.
    """
    q = settled_length(gain, bias)
    apart = (q - float(nonnegative("bias", bias))) * 2 * math.sin(angle / 2) ** 2
    behind = tanh_correlation.pair_mean(lambda one, other: (one - other) ** order, q, 1 - apart / q)
    return math.pow(float(positive("gain", gain)), order) * behind / math.pow(2 * apart, order / 2)


def distance_factor(gain: Value, bias: Value, angle: float) -> float:
    """Return the mean factor of a layer on the squared distance of two inputs at this angle, at the settled length."""
    return distance_moment(2, gain, bias, angle)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (nearby, decay)
