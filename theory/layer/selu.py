"""SELU: the two constants that make mean 0 and variance 1 a fixed point of a layer, and its moments there.

selu(t) is lambda t for t > 0 and lambda alpha (exp t - 1) for t < 0, t standard normal; h_k is the mean of
(1 - exp t)^k over t < 0. Exact, for one unit.

- h_k = sum over j of (-1)^j C(k, j) exp(j^2/2) erfc(j / sqrt 2) / 2 (`negative_side`).
- Mean 0: alpha = 1 / (sqrt(2 pi) h_1) = 1.6733 (`alpha_of_mean`).
- Second moment 1: lambda = 1 / sqrt(1/2 + alpha^2 h_2) = 1.0507 (`lambda_of_variance`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import sympy as sp

from theory.derivation import Derivation
from theory.expectation import gaussian
from theory.rules import naming, primitive, solving, substituting
from theory.symbols import T

ALPHA, LAMBDA = sp.symbols("alpha lambda", positive=True)
MEAN, SECOND = sp.symbols("h_1 h_2", positive=True)
"""E (1 - exp t)^k over the negative half-line, k = 1, 2."""


@cache
def negative_side(order: int) -> Derivation:
    """Derive E (1 - exp t)^order over t < 0, t standard normal."""
    end = sp.Symbol("c", real=True)
    terms = [
        (-1) ** j * sp.binomial(order, j) * sp.exp(sp.Rational(j**2, 2)) * sp.erfc((j - end) / sp.sqrt(2)) / 2
        for j in range(order + 1)
    ]
    return (
        Derivation.begin(
            f"Moment {order} of the exponential side of an ELU",
            "Average over the line below c.",
            gaussian((1 - sp.exp(T)) ** order, T, -sp.oo, end),
        )
        .then(
            "Expand and complete the square: exp(jt) times the density is exp(j^2/2) times the density at t - j, whose "
            "mass is that of a normal below c - j (same derivative in c, both 0 at the far end).",
            sp.Add(*terms),
            primitive(end, -sp.oo),
        )
        .then("Put the end at 0.", sp.Add(*terms).subs(end, 0), substituting({end: sp.S.Zero}))
    )


@cache
def alpha_of_mean() -> Derivation:
    """Derive the alpha at which the mean of SELU stays 0."""
    positive = 1 / sp.sqrt(2 * sp.pi)
    return (
        Derivation.begin(
            "Alpha of SELU",
            "Ask for mean 0 at a standard normal input: the positive side has mean 1/sqrt(2 pi), the negative one "
            "-alpha h_1.",
            sp.Eq(LAMBDA * (positive - ALPHA * MEAN), 0),
        )
        .then("Solve for alpha.", sp.Eq(ALPHA, positive / MEAN), solving(ALPHA))
        .then(
            "Put in h_1, the half-line mean.",
            sp.Eq(ALPHA, positive / negative_side(1).result),
            _putting({MEAN: negative_side(1).result}),
        )
    )


@cache
def lambda_of_variance() -> Derivation:
    """Derive the lambda at which the second moment of SELU stays 1."""
    return Derivation.begin(
        "Lambda of SELU",
        "Ask for second moment 1 at a standard normal input: the positive side has half of it, the negative one "
        "alpha^2 h_2.",
        sp.Eq(LAMBDA**2 * (sp.Rational(1, 2) + ALPHA**2 * SECOND), 1),
    ).then(
        "Solve for lambda.",
        sp.Eq(LAMBDA, 1 / sp.sqrt(sp.Rational(1, 2) + ALPHA**2 * SECOND)),
        solving(LAMBDA),
    )


def _putting(values: dict[sp.Basic, sp.Basic]) -> Callable[[sp.Basic, sp.Basic], str]:
    return lambda before, now: naming(values)(now, before)


def alpha() -> sp.Expr:
    """Return SELU's alpha, 1.6733: its mean is 0 at a standard normal input."""
    return alpha_of_mean().result


def scale(alpha_: sp.Expr | None = None) -> sp.Expr:
    """Return SELU's lambda, 1.0507: its second moment is 1 at a standard normal input."""
    return lambda_of_variance().at({ALPHA: alpha() if alpha_ is None else alpha_, SECOND: negative_side(2).result})


def fourth_moment() -> sp.Expr:
    """Return E selu(t)^4 at a standard normal t."""
    return scale() ** 4 * (sp.Rational(3, 2) + alpha() ** 4 * negative_side(4).result)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    *(partial(negative_side, order) for order in (1, 2, 4)),
    alpha_of_mean,
    lambda_of_variance,
)
