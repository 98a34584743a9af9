r"""How gradients pass back through LayerNorm and RMSNorm, without gain and bias, at epsilon = 0.

y is the output for one input x of d features, sigma^2 its variance (LayerNorm) or mean square (RMSNorm), P the
projection that takes the mean away. For every input:

- The Jacobian is (P - y y^T/d) / sigma, with P = I for RMSNorm (`jacobian`): symmetric, and 1/sigma times a projection
  (`projection`). LayerNorm sends 1 and x to 0, RMSNorm x alone; all else keeps its length up to 1/sigma
  (`square_norm`).
- A cotangent whose coordinates are uncorrelated and of one mean square, E g g^T = I: E||J g||^2 = (d - 2) / sigma^2 for
  LayerNorm, (d - 1) / sigma^2 for RMSNorm (`mean_square`).
- Over Gaussian inputs of variance tau^2 as well: d (d - 2) / (tau^2 (d - 3)), or d (d - 1) / (tau^2 (d - 2))
  (`over_inputs`): a little more than at sigma = tau, for the mean of 1/sigma^2 is not one over the mean.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive, positive_integer
from theory.normalisation.layer_norm import SQUARE_NORM, WIDTH, centred, features, normalised
from theory.rules import equal, substituting
from theory.symbols import N, T
from theory.written_out import WrittenOut, at_sizes, matrix, symmetric

DEVIATION, INPUT = sp.symbols("sigma^2 tau^2", positive=True)
DERIVATIVE, SQUARED, OF_PROJECTION, OUTPUTS = sp.symbols(r"dy_i/dx_j (Q^2)_{ij} Q_{ij} y_iy_j", real=True)
ROOT = sp.Symbol("sigma", positive=True)
SAME = sp.Symbol("delta_{ij}", real=True)
PULLED, KEPT, WITH_OUTPUT = sp.symbols(r"g^{T}Qg \|Pg\|^2 y^{T}g", real=True)
SUM = sp.Symbol("t", positive=True)
ENTRIES = ((2, 0, 1), (3, 0, 0), (3, 2, 0))
"""Widths and the entries of the matrix that are compared there; by symmetry all others are like these."""


def _differentiated(takes_mean: bool, width: int, i: int, j: int) -> WrittenOut:
    """Write out one derivative, with the output and sigma in terms of the input."""
    x = features(width)
    y, size = normalised(x, takes_mean)
    stands_for = {DERIVATIVE: sp.diff(y[i], x[j]), OUTPUTS: y[i] * y[j], SAME: sp.Integer(i == j)}
    return WrittenOut(stands_for | {ROOT: sp.sqrt(size), WIDTH: sp.Integer(width)}, ())


def _name(takes_mean: bool) -> str:
    return "LayerNorm" if takes_mean else "RMSNorm"


@cache
def jacobian(takes_mean: bool) -> Derivation:
    """Derive the entries of the Jacobian."""
    kept = SAME - 1 / WIDTH if takes_mean else SAME
    return Derivation.begin(
        f"Jacobian of {_name(takes_mean)}", "The derivative of one normalised feature in another feature.", DERIVATIVE
    ).then(
        "Differentiate: sigma depends on x as well, its gradient is y / d.",
        (kept - OUTPUTS / WIDTH) / ROOT,
        at_sizes(partial(_differentiated, takes_mean), *ENTRIES),
    )


def _projection(takes_mean: bool, width: int) -> tuple[sp.Matrix, sp.Matrix]:
    """Write out any output, with the sum 0 behind LayerNorm, and Q = P - y y^T/d."""
    *most, last = sp.symbols(f"y_1:{width + 1}", real=True)
    y = sp.Matrix([*most, -sp.Add(*most) if takes_mean else last])
    axes = sp.eye(width)
    kept = sp.Matrix.hstack(*(centred(axes.col(i)) for i in range(width))) if takes_mean else axes
    return y, kept - y * y.T / width


def _squared(takes_mean: bool, width: int, i: int, j: int) -> WrittenOut:
    y, q = _projection(takes_mean, width)
    stands_for = {SQUARED: (q.row(i) * q.col(j))[0], OF_PROJECTION: q[i, j], OUTPUTS: y[i] * y[j]}
    return WrittenOut(stands_for | {SQUARE_NORM: y.dot(y), WIDTH: sp.Integer(width)}, ())


@cache
def projection(takes_mean: bool) -> Derivation:
    """Derive that sigma J is a projection: so its singular values are 1 and 0."""
    return (
        Derivation.begin(
            f"The Jacobian of {_name(takes_mean)}, squared", "An entry of Q^2, Q = P - y y^T/d = sigma J.", SQUARED
        )
        .then(
            "Multiply out; P has taken from y what it takes.",
            OF_PROJECTION + (SQUARE_NORM / WIDTH - 1) * OUTPUTS / WIDTH,
            at_sizes(partial(_squared, takes_mean), *ENTRIES),
        )
        .then("The output has the square norm d.", OF_PROJECTION, substituting({SQUARE_NORM: WIDTH}))
    )


def _pulled(takes_mean: bool, width: int) -> WrittenOut:
    y, q = _projection(takes_mean, width)
    g = sp.Matrix(sp.symbols(f"g_1:{width + 1}", real=True))
    kept = centred(g).dot(g) if takes_mean else g.dot(g)
    return WrittenOut({PULLED: g.dot(q * g), KEPT: kept, WITH_OUTPUT: y.dot(g), WIDTH: sp.Integer(width)}, ())


@cache
def square_norm(takes_mean: bool) -> Derivation:
    """Derive the square norm of a cotangent behind the norm."""
    return Derivation.begin(
        f"A cotangent through {_name(takes_mean)}",
        "J is symmetric and sigma J a projection Q: ||J g||^2 = g^T Q g / sigma^2.",
        PULLED / DEVIATION,
    ).then(
        "Multiply out: what lies along y is lost" + (", and the mean." if takes_mean else "."),
        (KEPT - WITH_OUTPUT**2 / WIDTH) / DEVIATION,
        at_sizes(partial(_pulled, takes_mean), (2,), (3,)),
    )


def _uncorrelated(takes_mean: bool, width: int) -> WrittenOut:
    """Write out ||P g||^2 and y.g for a cotangent of uncorrelated coordinates and any output y."""
    y = sp.Matrix(sp.symbols(f"y_1:{width + 1}", real=True))
    g, groups = matrix("g", width, 1, symmetric(sp.S.One))
    kept = centred(g).dot(g) if takes_mean else g.dot(g)
    stands_for = {KEPT: kept, WITH_OUTPUT: y.dot(g), SQUARE_NORM: y.dot(y), WIDTH: sp.Integer(width)}
    return WrittenOut(stands_for, groups)


@cache
def mean_square(takes_mean: bool) -> Derivation:
    """Derive its mean over cotangents of uncorrelated coordinates."""
    kept = WIDTH - int(takes_mean)
    return (
        Derivation.begin(
            f"Mean square of a cotangent through {_name(takes_mean)}",
            "The square norm of J g, E g g^T = I.",
            square_norm(takes_mean).result,
        )
        .then(
            "Average over g.",
            (kept - SQUARE_NORM / WIDTH) / DEVIATION,
            at_sizes(partial(_uncorrelated, takes_mean), (1,), (2,), (3,)),
        )
        .then("The output has the square norm d.", (kept - 1) / DEVIATION, substituting({SQUARE_NORM: WIDTH}))
    )


@cache
def inverse_chi_square() -> Derivation:
    """Derive E 1/T for T chi-square with n + 2 degrees of freedom."""
    density = SUM ** (N / 2) * sp.exp(-SUM / 2) / (2 ** (N / 2 + 1) * sp.gamma(N / 2 + 1))
    return Derivation.begin(
        "Mean of one over a chi-square variable",
        "Average 1/t over the density for n + 2 degrees of freedom.",
        sp.Integral(density / SUM, (SUM, 0, sp.oo)),
    ).then("Substituting t = 2u leaves Euler's integral for the gamma function.", 1 / N)


@cache
def over_inputs(takes_mean: bool) -> Derivation:
    """Derive the mean over Gaussian inputs as well."""
    kept = WIDTH - int(takes_mean)
    inverse = inverse_chi_square().at({N: kept - 2})
    return (
        Derivation.begin(
            f"A cotangent through {_name(takes_mean)} at Gaussian inputs",
            "The mean at one input, a number over sigma^2.",
            mean_square(takes_mean).result,
        )
        .then(
            f"d sigma^2 / tau^2 is chi-square with {kept} degrees of freedom, t.",
            (kept - 1) * WIDTH / (INPUT * T),
            substituting({DEVIATION: INPUT * T / WIDTH}),
        )
        .then("Average 1/t.", WIDTH * (kept - 1) / (INPUT * (kept - 2)), lambda b, n: equal(b.subs(1 / T, inverse), n))
    )


def norm_through(width: Value, deviation: Value, takes_mean: bool, mean_square_of_entry: Value = 1) -> sp.Expr:
    """Return E||J g||^2 at one input of this sigma^2, coordinates of g uncorrelated and of this mean square. Exact.

    Parameters
    ----------
    width : int
    deviation : number
        The variance of the input's features (LayerNorm) or their mean square (RMSNorm).
    takes_mean : bool
        True for LayerNorm, False for RMSNorm.
    """
    values = {WIDTH: positive_integer("width", width, least=2), DEVIATION: positive("deviation", deviation)}
    return mean_square(takes_mean).at(values) * positive("mean_square_of_entry", mean_square_of_entry)


def norm_through_at_random(width: Value, variance: Value, takes_mean: bool) -> sp.Expr:
    """Return E||J g||^2 over inputs N(0, variance I) and uncorrelated coordinates of g of mean square 1. Exact.

    Raises
    ------
    ValueError
        If the width is below 4 (LayerNorm) or 3 (RMSNorm), where there is no mean.
    """
    width = positive_integer("width", width, least=3 + int(takes_mean))
    return over_inputs(takes_mean).at({WIDTH: width, INPUT: positive("variance", variance)})


def largest_singular_value(width: Value, square_norm: Value) -> sp.Expr:
    """Return 1/sigma = sqrt(d) / ||Px|| (||x|| for RMSNorm), for the square norm of Px (x): J's operator norm. Exact.

    LayerNorm needs a width of 3 for it to be attained, RMSNorm of 2; below, the Jacobian is 0.
    """
    return sp.sqrt(positive_integer("width", width, least=2) / positive("square_norm", square_norm))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    *(partial(make, mean) for make in (jacobian, projection, square_norm, mean_square) for mean in (True, False)),
    inverse_chi_square,
    *(partial(over_inputs, mean) for mean in (True, False)),
)
