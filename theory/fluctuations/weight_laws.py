"""How the square norm of one layer fluctuates when its units are independent, whatever the law of the weights.

x is a fixed input, z = w.x, kappa the kurtosis of a weight, r4 = sum x^4 / (sum x^2)^2, between 1/fan_in (x flat) and 1
(x one-hot), a the slope of the leaky ReLU. Over weights symmetric about 0; exact at every width n.

- z has the kurtosis 3 + (kappa - 3) r4 (`pre_activation`); a leaky ReLU multiplies that of its pre-activation by
  2 (1 + a^4) / (1 + a^2)^2 (`leaky_kurtosis`).
- Var||phi(Wx)||^2 / (E||phi(Wx)||^2)^2 = (k - 1) / n, k the product of the two (`spread`).
- E (r - 1)^4 = (m_4 + 3 (n - 1) m_2^2) / n^3 for the mean r of n units with central moments m (`fourth_central`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer, real
from theory.expectation import averaged, mean
from theory.layer.rectifiers import leaky_power
from theory.rules import equal, naming, recursion, substituting
from theory.symbols import SLOPE, VARIANCE, N

KURTOSIS, R4 = sp.symbols("kappa r_4", positive=True)
"""E w^4 / (E w^2)^2 of a weight, and sum x^4 / (sum x^2)^2 of the input."""
UNIFORM: tuple[sp.Expr, ...] = tuple(sp.Rational(3 ** (k // 2), k + 1) * (1 - k % 2) for k in range(9))
"""Moments of the uniform law of variance 1, between -sqrt 3 and sqrt 3, orders 0 to 8."""
SIGNS: tuple[sp.Expr, ...] = tuple(sp.Integer(1 - k % 2) for k in range(9))
"""Moments of a random sign."""


@cache
def pre_activation() -> Derivation:
    """Derive the kurtosis of z = w.x, for two inputs; more add terms of the same kind."""
    w, x = sp.symbols("w_1 w_2", real=True), sp.symbols("x_1 x_2", positive=True)
    square = x[0] ** 2 + x[1] ** 2
    return (
        Derivation.begin(
            "Kurtosis of a pre-activation",
            "Raise z = w.x to the fourth power; the variance of z is sigma^2 ||x||^2.",
            sp.expand((w[0] * x[0] + w[1] * x[1]) ** 4) / (VARIANCE * square) ** 2,
        )
        .then(
            "Average over the weights, symmetric with kurtosis kappa.",
            (KURTOSIS * (x[0] ** 4 + x[1] ** 4) + 6 * x[0] ** 2 * x[1] ** 2) / square**2,
            averaged(dict.fromkeys(w, (1, 0, VARIANCE, 0, KURTOSIS * VARIANCE**2))),
        )
        .then(
            "Complete three times the square of ||x||^2 and name the rest.",
            3 + (KURTOSIS - 3) * R4,
            naming({R4: (x[0] ** 4 + x[1] ** 4) / square**2}),
        )
    )


@cache
def leaky_kurtosis() -> Derivation:
    """Derive the kurtosis of a leaky ReLU over that of its symmetric pre-activation."""
    z = sp.Symbol("z", real=True)
    second, fourth = sp.symbols("E[z^2] E[z^4]", positive=True)

    def pair(order: int) -> sp.Expr:
        return (z**order + (SLOPE * z) ** order) / 2

    return (
        Derivation.begin(
            "Kurtosis of a leaky ReLU under any symmetric law",
            "Of z and -z, equally likely, one is kept and the other multiplied by a: average the fourth power.",
            pair(4),
        )
        .then("Average over z.", (1 + SLOPE**4) * fourth / 2, averaged({z: (1, 0, second, 0, fourth)}))
        .then(
            "Divide by the square of the second moment, found in the same way, and by the kurtosis of z.",
            2 * (1 + SLOPE**4) / (1 + SLOPE**2) ** 2,
            lambda before, now: equal(before / (fourth / second**2 * mean(pair(2), {z: (1, 0, second)}) ** 2), now),
        )
    )


@cache
def spread() -> Derivation:
    """Derive the relative variance of the square norm of a layer with independent units."""
    u = sp.Symbol("u", positive=True)
    kurtosis = sp.Symbol("k", positive=True)
    return (
        Derivation.begin(
            "Relative variance of the square norm of a layer",
            "Each of n independent units has a square u of mean 1 in units of its own: its variance over n.",
            (u - 1) ** 2 / N,
        )
        .then("Average: E u^2 is the kurtosis of a unit.", (kurtosis - 1) / N, averaged({u: (1, 1, kurtosis)}))
        .then(
            "Insert the kurtosis of a leaky ReLU and of its pre-activation.",
            (leaky_kurtosis().result * pre_activation().result - 1) / N,
            substituting({kurtosis: leaky_kurtosis().result * pre_activation().result}),
        )
    )


@cache
def fourth_central() -> Derivation:
    """Derive E(r - 1)^4 of the mean r of n independent variables of mean 1 from their central moments."""
    fourth, count = sp.Function("S"), sp.Symbol("n", integer=True, nonnegative=True)
    m2, m4 = sp.symbols("m_2 m_4", positive=True)
    return (
        Derivation.begin(
            "Fourth central moment of a mean",
            "Add one more centred variable u to a sum S of n: of (S + u)^4 the odd powers of u average out with S or u "
            "itself, 6 S^2 u^2 and u^4 remain.",
            sp.Eq(fourth(count + 1), fourth(count) + 6 * (count * m2) * m2 + m4),
        )
        .then(
            "Solve from an empty sum.",
            sp.Eq(fourth(count), count * m4 + 3 * count * (count - 1) * m2**2),
            recursion(count, sp.S.Zero),
        )
        .then(
            "Divide by n^4.",
            (m4 + 3 * (count - 1) * m2**2) / count**3,
            lambda before, now: equal(before.args[1] / count**4, now),
        )
    )


def layer_relative_variance(width: Value, slope: Value = 0, weight_kurtosis: Value = 3, r4: Value = 1) -> sp.Expr:
    """Return Var||phi(Wx)||^2 / (E||phi(Wx)||^2)^2 of one layer of `width` units over the weights at fixed x. Exact.

    For independent weights symmetric about 0 with kurtosis `weight_kurtosis` (Gaussian 3, uniform 9/5, random signs 1);
    r4 is sum x^4 / (sum x^2)^2 and does not matter if they are Gaussian.

    Raises
    ------
    ValueError
        If `width` is not a positive integer, the kurtosis is below 1 or r4 is outside 0 to 1.
    """
    kurtosis, concentration = real("weight_kurtosis", weight_kurtosis), real("r4", r4)
    if (kurtosis - 1).is_negative:
        raise ValueError(f"weight_kurtosis is {weight_kurtosis}; expected a number of at least 1")
    if concentration.is_nonpositive or (concentration - 1).is_positive:
        raise ValueError(f"r4 is {r4}; expected a number above 0 and at most 1")
    values = {N: positive_integer("width", width), SLOPE: real("slope", slope)}
    return spread().at(values | {KURTOSIS: kurtosis, R4: concentration})


def pre_activation_moment(order: int, inputs: Sequence[Value], weight_moments: Sequence[sp.Expr]) -> sp.Expr:
    """Return E(w.x)^order for independent weights with the given moments (entry k is E w^k). Exact."""
    weights = sp.symbols(f"w_1:{len(inputs) + 1}", real=True)
    z = sum(w * sp.sympify(x) for w, x in zip(weights, inputs, strict=True))
    return mean(z**order, dict.fromkeys(weights, tuple(weight_moments)))


def central_moments(width: Value, unit: Sequence[sp.Expr]) -> tuple[sp.Expr, sp.Expr]:
    """Return E(r - 1)^2 and E(r - 1)^4 of the mean r of `width` independent units with raw moments 1, *unit. Exact."""
    second, third, fourth = unit
    centred = fourth - 4 * third + 6 * second - 3
    width = positive_integer("width", width)
    return (second - 1) / width, fourth_central().at(n=width, m_2=second - 1, m_4=centred)


def gaussian_fourth_central(width: Value, slope: Value = 0) -> sp.Expr:
    """Return E(r - 1)^4, r = ||phi(Wx)||^2 over its mean, of a Gaussian layer of `width` units. Exact."""
    slope = real("slope", slope)
    mean_square = leaky_power().at(k=2, a=slope, q=1)
    return central_moments(width, [leaky_power().at(k=2 * k, a=slope, q=1) / mean_square**k for k in (2, 3, 4)])[1]


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (pre_activation, leaky_kurtosis, spread, fourth_central)
