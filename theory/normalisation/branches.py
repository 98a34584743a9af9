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

from collections.abc import Callable, Sequence
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, positive_integer
from theory.expectation import averaged, fourth_central_moment
from theory.layer import rectifiers
from theory.mean_field import angles
from theory.mean_field.angles import PHI
from theory.rules import equal, limit, recursion, solving, substituting
from theory.symbols import DEPTH, THETA, N
from theory.written_out import Group, WrittenOut, at_sizes, rectified, symmetric

BATCH = sp.Symbol("B", integer=True, positive=True)
GAIN = sp.Symbol("gamma", positive=True)
RHO = sp.Symbol("rho", real=True)
SQUARES, PRODUCTS = sp.symbols("S P", real=True)
OF_STREAM, COVARIANCE, OF_BRANCH = (sp.Symbol(name, real=True) for name in ("Var(x)", "Cov(x, F)", "Var(F)"))
ABSOLUTE, PRODUCT = sp.symbols("sum(|z|) M", nonnegative=True)
MEAN = 1 / sp.sqrt(2 * sp.pi)
"""E relu(z) of a standard normal z."""
SPREAD = (1 - 1 / sp.pi) / 2
"""Var relu(z)."""


@cache
def centred() -> Derivation:
    """Derive the second moment behind weights that sum to 0 and whose squares sum to gamma^2."""
    return Derivation.begin(
        "Weights that sum to zero behind a ReLU",
        "Such weights, uniformly distributed, see r less its mean: gamma^2 / (n - 1) times sum (r_i - mean)^2; S "
        "adds the squares of n units, P the products of pairs.",
        GAIN**2 / (N - 1) * (SQUARES - (SQUARES + PRODUCTS) / N),
    ).then(
        "Average over independent units, rectified standard normals: the width cancels.",
        GAIN**2 * (1 - 1 / sp.pi) / 2,
        at_sizes(_units, (2,), (3,), (4,)),
    )


def _units(count: int) -> WrittenOut:
    r = sp.symbols(f"r_1:{count + 1}", nonnegative=True)
    products = sp.Add(*(one * other for one in r for other in r if one != other))
    stands_for = {SQUARES: sp.Add(*(one**2 for one in r)), PRODUCTS: products, N: sp.Integer(count)}
    return WrittenOut(stands_for, [rectified(sp.S.One)(one) for one in r])


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
    v = sp.Function("v")
    depth, start = sp.Symbol("l", integer=True, nonnegative=True), sp.Symbol("v_0", nonnegative=True)
    return (
        Derivation.begin(
            "A stream of normalised branches",
            "Expand the variance of x + F over a batch.",
            OF_STREAM + 2 * COVARIANCE + OF_BRANCH,
        )
        .then(
            "Average over the sign of a row of the last layer, which turns F about and leaves its variance alone.",
            OF_STREAM + OF_BRANCH,
            at_sizes(_signed_branch, (2,), (3,)),
        )
        .then("The branch is normalised.", OF_STREAM + 1, substituting({OF_BRANCH: 1}))
        .then(
            "That is the variance one block later.",
            sp.Eq(v(depth + 1), v(depth) + 1),
            lambda before, now: equal(sp.Eq(v(depth + 1), before.subs(OF_STREAM, v(depth))), now),
        )
        .then("Solve from v_0: linear growth.", sp.Eq(v(DEPTH), start + DEPTH), recursion(DEPTH, start))
    )


def _signed_branch(batch: int) -> WrittenOut:
    """Write out a unit of stream and branch over a batch, the branch with a random sign."""
    sign = sp.Symbol("s", real=True)
    x, f = (sp.symbols(f"{name}_1:{batch + 1}", real=True) for name in "xf")

    def covariance(one: Sequence[sp.Expr], other: Sequence[sp.Expr]) -> sp.Expr:
        means = sp.Add(*one) * sp.Add(*other) / batch**2
        return sp.Add(*(a * b for a, b in zip(one, other, strict=True))) / batch - means

    stands_for = {OF_STREAM: covariance(x, x), COVARIANCE: sign * covariance(x, f), OF_BRANCH: covariance(f, f)}
    return WrittenOut(stands_for, [symmetric(sp.S.One)(sign)])


@cache
def absolute_product() -> Derivation:
    """Derive the mean of |z_1 z_2| for standard normals whose correlation is the cosine of theta."""
    same = angles.wedge(2, sp.cos(PHI) * sp.cos(PHI - THETA))
    return (
        Derivation.begin(
            "Mean absolute product of two normals",
            "Both are positive in the wedge of theta, and of one sign twice; of two signs in that of pi - theta.",
            2 * same + 2 * same.subs(THETA, sp.pi - THETA),
        )
        .then("Integrate.", 2 / sp.pi * (sp.sin(THETA) + (sp.pi / 2 - THETA) * sp.cos(THETA)))
        .then(
            "In terms of the correlation.",
            2 / sp.pi * (sp.sqrt(1 - RHO**2) + RHO * sp.asin(RHO)),
            substituting({THETA: sp.acos(RHO)}),
        )
    )


@cache
def rectified_batch() -> Derivation:
    """Derive the variance that BN-ReLU-linear(He) adds for a batch of normal inputs, and its limit for large ones."""
    found = absolute_product().at(rho=1 / (1 - BATCH))
    return (
        Derivation.begin(
            "Variance behind a batch norm and a ReLU",
            "z has mean 0 and variance 1 over the batch, and -z is as likely: relu(z) = (|z| + z) / 2 has the mean "
            "square 1/2 and, over the batch, the mean (sum |z|) / (2 B). He's weights double its variance.",
            2 * (sp.Rational(1, 2) - (ABSOLUTE / (2 * BATCH)) ** 2),
        )
        .then(
            "Average; M is the mean of |z_1 z_2|.",
            2 * (sp.Rational(1, 2) - (1 + (BATCH - 1) * PRODUCT) / (4 * BATCH)),
            at_sizes(_batch, (2,), (3,), (4,)),
        )
        .then(
            "Two of B centred normals have correlation -1/(B - 1), and their direction does not know their size.",
            1 - (1 + (BATCH - 1) * found) / (2 * BATCH),
            substituting({PRODUCT: found}),
        )
        .then("Let the batch grow.", 1 - 1 / sp.pi, limit(BATCH, sp.oo))
    )


def _batch(size: int) -> WrittenOut:
    """Write out the absolute values of a normalised unit over a batch: mean square 1, mean product M."""
    z = sp.symbols(f"z_1:{size + 1}", nonnegative=True)

    def moment(powers: tuple[int, ...]) -> sp.Expr:
        known = {(2,): sp.S.One, (1, 1): PRODUCT}.get(tuple(power for power in powers if power))
        if known is None:
            raise ValueError(f"a mean of the powers {powers} is needed; only those of squares and products are known")
        return known

    return WrittenOut({ABSOLUTE: sp.Add(*z), BATCH: sp.Integer(size)}, [Group(z, moment)])


@cache
def division() -> Derivation:
    """Derive the variance of a linear layer's output after its weights are divided by a number."""
    variance, divisor = sp.symbols("v d", positive=True)
    output = sp.Symbol("z", real=True)
    return (
        Derivation.begin(
            "One division",
            "Without biases the output less its mean, z, is divided as well: take the square.",
            (output / divisor) ** 2,
        )
        .then("Average.", variance / divisor**2, averaged({output: (1, 0, variance)}))
        .then("By the standard deviation: 1.", sp.S.One, substituting({divisor: sp.sqrt(variance)}))
    )


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
    return rectified_batch().steps[2].statement.subs(BATCH, count)


def rectified_limit() -> sp.Expr:
    """Return 1 - 1/pi, what it adds for large batches."""
    return rectified_batch().result


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    centred,
    centred_gain,
    stream,
    absolute_product,
    rectified_batch,
    division,
)
