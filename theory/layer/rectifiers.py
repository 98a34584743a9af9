"""Moments of ReLU and leaky ReLU at a pre-activation z of mean 0 and variance q, and the gains that follow.

phi(z) is z for z > 0 and a z for z < 0. One unit, over the law of z: normal or merely symmetric about 0, as is said.

- E phi(z)^k = q^(k/2) (1 + (-a)^k) 2^(k/2) Gamma((k + 1)/2) / (2 sqrt pi), normal z (`leaky_power`).
- E relu(z)^2 = q/2 and E phi(z)^2 = (1 + a^2) q/2, every symmetric law (`symmetric_half`, `symmetric_leaky`).
- Weights of variance gain^2 / fan_in keep the second moment at gain sqrt(2 / (1 + a^2)) (`variance_preserving_gain`).
- Var relu(z) = q (pi - 1) / (2 pi), normal z (`relu_spread`): the variance is not halved, the second moment is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive_integer, real
from theory.expectation import averaged, gaussian
from theory.rules import equal, solving
from theory.symbols import SLOPE, Q


@cache
def leaky_power() -> Derivation:
    """Derive E phi(z)^k for z ~ N(0, q) and phi a leaky ReLU, for every order k at once."""
    t, k = sp.Symbol("t", positive=True), sp.Symbol("k", integer=True, positive=True)
    half_line = gaussian(t**k, t, sp.S.Zero)
    both = Q ** (k / 2) * (1 + (-SLOPE) ** k)
    return (
        Derivation.begin(
            "Moments of a leaky ReLU",
            "Write z = sqrt(q) t; for t > 0 the activation is sqrt(q) t, for t < 0 it is -a sqrt(q) |t|: average each"
            " half-line.",
            gaussian((sp.sqrt(Q) * t) ** k, t, sp.S.Zero) + gaussian((-SLOPE * sp.sqrt(Q) * t) ** k, t, sp.S.Zero),
        )
        .then("Take the constants out of the two half-line integrals, which are equal.", both * half_line)
        .then(
            "Substituting u = t^2/2 turns the half-line integral into Euler's integral for the gamma function.",
            both * 2 ** (k / 2) * sp.gamma((k + 1) / 2) / (2 * sp.sqrt(sp.pi)),
        )
    )


@cache
def symmetric_half() -> Derivation:
    """Derive E relu(z)^2 = E z^2 / 2 for every symmetric law of z."""
    z = sp.Symbol("z", real=True)
    return (
        Derivation.begin(
            "ReLU halves the second moment of any symmetric law",
            "If z and -z have the same law, relu(z)^2 may be averaged over the pair z, -z first.",
            (sp.Max(0, z) ** 2 + sp.Max(0, -z) ** 2) / 2,
        )
        .then("Write relu(z) as (z + |z|)/2.", ((z + sp.Abs(z)) ** 2 + (-z + sp.Abs(z)) ** 2) / 8, _maximum_by_modulus)
        .then("The cross terms cancel and |z|^2 = z^2.", z**2 / 2)
    )


def _maximum_by_modulus(before: sp.Basic, now: sp.Basic) -> str:
    return equal(before.rewrite(sp.Abs), now)


@cache
def symmetric_leaky() -> Derivation:
    """Derive E phi(z)^2 = (1 + a^2) q / 2 for every symmetric law of z with variance q and a leaky ReLU phi."""
    z = sp.Symbol("z", real=True)
    phi = [((1 + SLOPE) * u + (1 - SLOPE) * sp.Abs(u)) / 2 for u in (z, -z)]
    return (
        Derivation.begin(
            "Second moment of a leaky ReLU under any symmetric law",
            "Write phi(z) = ((1 + a) z + (1 - a) |z|)/2 and average over the pair z, -z, which are equally likely.",
            (phi[0] ** 2 + phi[1] ** 2) / 2,
        )
        .then("The cross terms cancel.", (1 + SLOPE**2) * z**2 / 2)
        .then("Average over z, whose second moment is q.", (1 + SLOPE**2) * Q / 2, averaged({z: (1, 0, Q)}))
    )


@cache
def variance_preserving_gain() -> Derivation:
    """Derive the factor on the weights' standard deviation that makes up for the activation."""
    g = sp.Symbol("g", positive=True)
    return Derivation.begin(
        "Gain of a leaky ReLU",
        "Ask that g^2 times the second moment of the activation at unit variance be 1.",
        sp.Eq(g**2 * symmetric_leaky().at(q=1), 1),
    ).then("Solve for the positive root.", sp.Eq(g, sp.sqrt(2 / (1 + SLOPE**2))), solving(g))


@cache
def relu_spread() -> Derivation:
    """Derive the variance of relu(z), z ~ N(0, q), from its first two moments."""
    first, second = (leaky_power().at(k=order, a=0) for order in (1, 2))
    return Derivation.begin(
        "Variance of ReLU",
        "Second moment less squared mean, both from the half-line integrals at slope 0.",
        second - first**2,
    ).then("Collect.", Q * (sp.pi - 1) / (2 * sp.pi))


def leaky_moment(order: int, slope: Value, variance: Value) -> sp.Expr:
    """Return E phi(z)^order for z ~ N(0, variance) and phi(z) = z for z > 0, slope * z for z < 0. Exact.

    Raises
    ------
    ValueError
        If `order` is not a positive integer, `slope` is not real or `variance` is negative.
    """
    order, slope = positive_integer("order", order), real("slope", slope)
    return leaky_power().at(k=order, a=slope, q=nonnegative("variance", variance))


def relu_mean(variance: Value) -> sp.Expr:
    """Return E relu(z) = sqrt(variance / 2 pi) for z ~ N(0, variance)."""
    return leaky_moment(1, 0, variance)


def relu_second_moment(variance: Value) -> sp.Expr:
    """Return E relu(z)^2 = variance / 2, for any symmetric law of z with that variance."""
    return symmetric_leaky().at(a=0, q=nonnegative("variance", variance))


def relu_variance(variance: Value) -> sp.Expr:
    """Return Var relu(z) for z ~ N(0, variance): 0.34085 of it, not one half."""
    return relu_spread().at(q=nonnegative("variance", variance))


def relu_fourth_moment(variance: Value) -> sp.Expr:
    """Return E relu(z)^4 for z ~ N(0, variance)."""
    return leaky_moment(4, 0, variance)


def leaky_second_moment(slope: Value, variance: Value) -> sp.Expr:
    """Return E phi(z)^2 = (1 + slope^2) variance / 2, for any symmetric law of z with that variance."""
    return symmetric_leaky().at(a=real("slope", slope), q=nonnegative("variance", variance))


def leaky_gain(slope: Value = 0) -> sp.Expr:
    """Return the gain sqrt(2 / (1 + slope^2)): weights of variance gain^2 / fan_in preserve the second moment.

    Source: He et al. 2015, section 2.2.
    """
    return variance_preserving_gain().at(a=real("slope", slope))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    leaky_power,
    symmetric_half,
    symmetric_leaky,
    variance_preserving_gain,
    relu_spread,
)
