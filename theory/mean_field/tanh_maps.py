"""Wide tanh nets at a gain: the map of the pre-activation's variance, its fixed point, and how gradients grow there.

Weights have variance g^2/n, z = sqrt(q) t is a pre-activation of variance q, t standard normal. One layer at a normal
pre-activation is exact at any width; that layer after layer is normal is the wide limit. No closed forms: numbers are
by quadrature.

- q' = g^2 E tanh(z)^2 = g^2 E (1 - sech(z)^2) (`length_map`); its fixed point for g > 1 (`fixed_point`).
- Squared gradients grow by chi = g^2 E sech(z)^4 a layer (`gradient_factor`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import mpmath
import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive
from theory.expectation import gaussian
from theory.layer.gains import tanh_moment
from theory.rules import termwise
from theory.symbols import VARIANCE, N, Q, T

GAIN = sp.Symbol("g", positive=True)
"""Standard deviation of the weights times sqrt n."""
X = sp.Symbol("x", real=True)
Z = sp.sqrt(Q) * T


@cache
def length_map() -> Derivation:
    """Derive the variance of the next pre-activation from that of this one."""
    return _layer(
        "Variance map of a tanh layer",
        "n terms, each with the variance of a weight times the mean square of a tanh unit at z = sqrt(q) t.",
        sp.tanh(Z) ** 2,
        "tanh^2 = 1 - sech^2: at a large variance units saturate and it tends to g^2.",
        1 - sp.sech(Z) ** 2,
    )


@cache
def gradient_factor() -> Derivation:
    """Derive the factor on the mean squared gradient from one pre-activation to that before it."""
    return _layer(
        "Gradient factor of a tanh layer",
        "n terms, each with the variance of a weight, all times the squared slope of a tanh unit at z = sqrt(q) t: the "
        "weights behind the unit are independent of it.",
        sp.diff(sp.tanh(X), X).subs(X, Z) ** 2,
        "tanh' = 1 - tanh^2 = sech^2: it is g^2 at q = 0 and falls from there.",
        sp.sech(Z) ** 4,
    )


def _layer(title: str, says: str, unit: sp.Expr, rewriting: str, rewritten: sp.Expr) -> Derivation:
    return (
        Derivation.begin(title, says, gaussian(N * VARIANCE * unit, T))
        .then("Weights have variance g^2/n.", gaussian(GAIN**2 * unit, T), termwise(_scaled))
        .then(rewriting, gaussian(GAIN**2 * rewritten, T), termwise())
    )


def _scaled(term: sp.Expr) -> sp.Expr:
    return term.subs(VARIANCE, GAIN**2 / N)


def next_variance(gain: Value, variance: Value) -> float:
    """Return g^2 E tanh(z)^2, z ~ N(0, variance): the variance of the next pre-activation. Exact for one layer."""
    return float(positive("gain", gain)) ** 2 * tanh_moment(2, float(nonnegative("variance", variance)))


def gradient_growth(gain: Value, variance: Value) -> float:
    """Return chi = g^2 E tanh'(z)^2, the factor per layer on the mean squared gradient at the pre-activations."""
    return float(positive("gain", gain)) ** 2 * tanh_moment(0, float(nonnegative("variance", variance)), 2)


@cache
def fixed_point(gain: Value) -> float:
    """Return the positive variance that a wide tanh net with this gain settles at.

    There is one for every gain above 1 only: tanh(u)^2/u^2 falls from 1, so E tanh^2 / q does too, and g^2 times it is
    1 at a single q.

    Raises
    ------
    ValueError
        If `gain` is at most 1: the variance then decays to 0.
    """
    g = float(gain)
    if not 1 < g < 1e6:
        raise ValueError(f"gain is {gain}; expected a finite number above 1")
    root = mpmath.findroot(lambda q: next_variance(g, float(q)) / q - 1, (1e-9, g**2), solver="anderson", tol=1e-26)
    return float(root)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (length_map, gradient_factor)
