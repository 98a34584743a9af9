r"""A ReLU layer without names: a number of active units, their half-normal states, and what the others leave behind.

One input, fresh independent N(0, sigma^2) weights, no biases. Pre-activations are sigma ||x|| times independent
standard normals t. A statistic names no unit if it is the same for every order of the units of a layer; the law of all
of these is that of the unordered states, and so of the means of products over units, E prod phi(x_i) with phi(0) = 1.
Exact at every width: the ground of simulating active units alone.

- A unit: zero or a half-normal, with probability 1/2 each. E exp(-c relu(t)^2) = (1 + H) / 2, H = (1 + 2c)^(-1/2) the
  same mean for a half-normal (`one_unit`; such means for all c > 0 determine the law).
- A layer: ((1 + H) / 2)^n = sum_k C(n, k) 2^(-n) H^k, H = E phi(|t|): K ~ Bin(n, 1/2) independent half-normals
  (`layer`).
- Its order: rows of the next W are alike, so an answer of W on the way back goes with the state of its unit, covariance
  sigma^2 x_i d, not with the unit's place (`swapped`). So active units may come first.
- Gradients on other units are independent of those on active ones, given the forward pass: jointly Gaussian, with
  covariance -sigma^2 ||d||^2 x_i x_j / ||x||^2, and x_j = 0 there (`left_out`). So they may be left out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation
from theory.expectation import averaged, gaussian
from theory.rules import numerically, substituting
from theory.symbols import VARIANCE, C, N, T

HALF = sp.Symbol("H", positive=True)
"""The mean of a test function over a half-normal."""
STATE = sp.symbols("x_1:4", nonnegative=True)
NORMALS = sp.symbols("r_1:4", real=True)
ROWS = sp.symbols("w_1:3", real=True)
COTANGENT, SIZE = sp.Symbol("d", real=True), sp.Symbol(r"\|d\|", nonnegative=True)


@cache
def one_unit() -> Derivation:
    """Derive that a ReLU unit is zero or a half-normal, each with probability 1/2, from means of exp(-c relu(t)^2)."""
    return (
        Derivation.begin(
            "Law of a ReLU unit",
            "Average exp(-c relu(t)^2) over a standard normal t: 1 where t is negative, exp(-c t^2) elsewhere.",
            gaussian(sp.S.One, T, high=0) + gaussian(sp.exp(-C * T**2), T, low=0),
        )
        .then(
            "Signs and sizes are independent: on either side is half of what a half-normal, |t|, has.",
            (gaussian(sp.S.One, T) + gaussian(sp.exp(-C * T**2), T)) / 2,
        )
        .then("The integrals.", (1 + 1 / sp.sqrt(1 + 2 * C)) / 2)
    )


@cache
def layer() -> Derivation:
    """Derive the unordered states of a ReLU layer: K ~ Bin(n, 1/2) independent half-normals."""
    k = sp.Symbol("k", integer=True, nonnegative=True)
    return Derivation.begin(
        "Active units of a layer",
        "n units are independent. A test function phi with phi(0) = 1 has the mean (1 + H) / 2 at one unit, H being "
        "that at a half-normal: average the product over units.",
        ((1 + HALF) / 2) ** N,
    ).then(
        "By the binomial theorem: with the probabilities of Bin(n, 1/2), the product over k half-normals.",
        sp.Sum(sp.binomial(N, k) / 2**N * HALF**k, (k, 0, N)),
        numerically,
    )


@cache
def swapped() -> Derivation:
    """Derive that answers on the way back go with the states of units, whichever place these have."""
    (first, second, _), (one, other) = STATE, ROWS
    return Derivation.begin(
        "Covariance of both ways through units in another order",
        "The state x_1 now meets row w_2 and x_2 meets w_1. The answer forwards, times the one back, d w_2, to x_1.",
        (first * other + second * one) * COTANGENT * other,
    ).then(
        "Average over fresh rows: sigma^2 d x_1, as where x_1 met w_1.",
        VARIANCE * COTANGENT * first,
        averaged(dict.fromkeys(ROWS, (1, 0, VARIANCE))),
    )


@cache
def left_out() -> Derivation:
    """Derive that gradients on active units and on the others are independent, given the forward pass."""
    square, along = sum(x**2 for x in STATE), sum(x * r for x, r in zip(STATE, NORMALS, strict=True))
    first, last = (SIZE * (r - x * along / square) for x, r in list(zip(STATE, NORMALS, strict=True))[::2])
    return (
        Derivation.begin(
            "Covariance of gradients on two units",
            "Orthogonally to the state, known answers leave fresh normals r without their part along x: the product on "
            "units 1 and 3.",
            first * last,
        )
        .then(
            "Average over r.",
            -VARIANCE * SIZE**2 * STATE[0] * STATE[2] / square,
            averaged(dict.fromkeys(NORMALS, (1, 0, VARIANCE))),
        )
        .then(
            "Nothing is left if unit 3 is not active: jointly Gaussian given the forward pass, they are independent.",
            sp.S.Zero,
            substituting({STATE[2]: sp.S.Zero}),
        )
    )


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (one_unit, layer, swapped, left_out)
