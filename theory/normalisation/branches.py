"""What normalisation does to variances: weights whose rows sum to 0, branches normalised over a batch, and LSUV.

Variances are over a batch (divided by its size B) unless said otherwise; ReLUs see standard normal pre-activations.
Over the weights; exact at every width n.

- Rows that sum to 0, with squares that sum to gamma^2, have the second moment gamma^2 (1 - 1/pi) / 2 behind a ReLU
  (`centred`): 1 at gamma = sqrt(2 / (1 - 1/pi)) = 1.71286 (`centred_gain`).
- A stream to which every branch adds variance 1 has variance v_0 + l (`stream`).
- BN-ReLU-linear(He) adds 1 - 1/pi for large batches, and for B normal inputs a little less (`rectified`).
- Dividing the weights by the output's deviation leaves variance 1 (`division`), as LSUV does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, positive_integer
from theory.expectation import averaged, fourth_central_moment
from theory.layer import rectifiers
from theory.rules import equal, limit, recursion, solving, substituting
from theory.symbols import DEPTH, N

BATCH = sp.Symbol("B", integer=True, positive=True)
GAIN = sp.Symbol("gamma", positive=True)
MEAN = 1 / sp.sqrt(2 * sp.pi)
"""E relu(z) of a standard normal z."""
SPREAD = (1 - 1 / sp.pi) / 2
"""Var relu(z)."""


@cache
def centred() -> Derivation:
    """Derive the second moment behind weights that sum to 0 and whose squares sum to gamma^2."""
    squares, products = sp.symbols("S P", real=True)
    return (
        Derivation.begin(
            "Weights that sum to zero behind a ReLU",
            "Such weights, uniformly distributed, see r less its mean: gamma^2 / (n - 1) times sum (r_i - mean)^2; S "
            "adds the squares of n units, P the products of pairs.",
            GAIN**2 / (N - 1) * (squares - (squares + products) / N),
        )
        .then(
            "Average over independent units: E r^2 = 1/2, (E r)^2 = 1/(2 pi).",
            GAIN**2 / (N - 1) * (N / 2 - (N / 2 + N * (N - 1) / (2 * sp.pi)) / N),
            averaged({squares: (1, N / 2), products: (1, N * (N - 1) * MEAN**2)}),
        )
        .then("Collect: the width cancels.", GAIN**2 * (1 - 1 / sp.pi) / 2)
    )


@cache
def centred_gain() -> Derivation:
    """Derive the gain that makes it 1."""
    return Derivation.begin(
        "Gain of centred weights behind a ReLU",
        "The second moment behind them shall be 1.",
        sp.Eq(centred().result, 1),
    ).then("Solve for the gain: 1.71286.", sp.Eq(GAIN, sp.sqrt(2 / (1 - 1 / sp.pi))), solving(GAIN))


@cache
def stream() -> Derivation:
    """Derive the variance of a stream to which every branch adds variance 1."""
    v, inner = sp.Function("v"), sp.Symbol("Cov(x,F)", real=True)
    start = sp.Symbol("v_0", nonnegative=True)
    return (
        Derivation.begin(
            "A stream of normalised branches",
            "Var(x + F) with Var F = 1; a stream of variance v(l).",
            v(DEPTH) + 2 * inner + 1,
        )
        .then(
            "Average over the signs of the last layer, which turn F about and leave Var F alone.",
            v(DEPTH) + 1,
            averaged({inner: (1, 0)}),
        )
        .then(
            "That is the variance one block later.",
            sp.Eq(v(DEPTH + 1), v(DEPTH) + 1),
            lambda before, now: equal(before, now.rhs),
        )
        .then("Solve from v_0: linear growth.", sp.Eq(v(DEPTH), start + DEPTH), recursion(DEPTH, start))
    )


@cache
def rectified() -> Derivation:
    """Derive the variance that BN-ReLU-linear(He) adds for a batch of normal inputs, and its limit for large ones."""
    product = sp.Symbol("M", nonnegative=True)
    rho = 1 / (BATCH - 1)
    found = 2 / sp.pi * (sp.sqrt(1 - rho**2) + rho * sp.asin(rho))
    return (
        Derivation.begin(
            "Variance behind a batch norm and a ReLU",
            "z has mean 0 and variance 1 over the batch: relu(z) has the mean square 1/2 and the mean (sum |z|) / (2 "
            "B). He's weights double its variance; M is the mean of |z_1 z_2|.",
            2 * (sp.Rational(1, 2) - (1 + (BATCH - 1) * product) / (4 * BATCH)),
        )
        .then(
            "Two of B centred normals have correlation -1/(B - 1), and their direction does not know their size.",
            1 - (1 + (BATCH - 1) * found) / (2 * BATCH),
            substituting({product: found}),
        )
        .then("Let the batch grow.", 1 - 1 / sp.pi, limit(BATCH, sp.oo))
    )


@cache
def division() -> Derivation:
    """Derive the variance of a linear layer's output after its weights are divided by a number."""
    variance, divisor = sp.symbols("v d", positive=True)
    return Derivation.begin(
        "One division", "Without biases the output, and its deviation, is divided as well.", variance / divisor**2
    ).then("By the standard deviation: 1.", sp.S.One, substituting({divisor: sp.sqrt(variance)}))


def centred_second_moment(gain: Value) -> sp.Expr:
    """Return the second moment behind centred weights of this gain over that of the pre-activations. Exact."""
    return centred().at(gamma=positive("gain", gain))


def standardised_gain() -> sp.Expr:
    """Return sqrt(2 / (1 - 1/pi)) = 1.71286, the gain of weight standardisation behind a ReLU (Brock et al. 2021)."""
    return centred_gain().result


def relu_fourth_central_moment() -> sp.Expr:
    """Return E (relu(z) - E relu(z))^4 of a standard normal z."""
    return fourth_central_moment(MEAN, sp.Rational(1, 2), 2 * MEAN, rectifiers.relu_fourth_moment(1))


def stream_variance(start: Value, blocks: Value) -> sp.Expr:
    """Return v_0 + L, the mean variance of the stream after L branches of variance 1. Exact over symmetric weights."""
    return stream().at(v_0=nonnegative("start", start), l=positive_integer("blocks", blocks, least=0))


def rectified_variance(batch: Value) -> sp.Expr:
    """Return the mean variance that BN-ReLU-linear(He) adds for `batch` independent normal inputs. Exact."""
    count = positive_integer("batch", batch, least=2)
    return rectified().steps[1].statement.subs(BATCH, count)


def rectified_limit() -> sp.Expr:
    """Return 1 - 1/pi, what it adds for large batches."""
    return rectified().result


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (centred, centred_gain, stream, rectified, division)
