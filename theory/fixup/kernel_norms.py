r"""How far a step moves several outputs: by the trace of their kernel, or by its Frobenius norm.

K = J J^T, J the derivatives of c outputs in the weights, is their kernel; g is the loss's slope in the outputs, with
uncorrelated entries of mean square 1 (independent signs). To first order in the rate eta, exactly for weights in which
the outputs are affine, a step moves the outputs by -eta K g.

- The loss falls by eta g^T K g, on average by eta tr K (`decrease`).
- The outputs move by eta^2 ||K||_F^2 in mean square (`move`).
- ||K||_F^2 lies between tr(K)^2 / c and tr(K)^2, for c = 2 by its eigenvalues (`lower_bound`, `upper_bound`): for one
  output it is tr(K)^2, for more the two differ by a factor of up to c.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative
from theory.rules import at_least, at_most, dropping
from theory.symbols import RATE
from theory.written_out import WrittenOut, at_sizes, matrix, sign

FALL, WAY = sp.symbols(r"g^T*K*g \|K*g\|^2", real=True)
TRACE, FROBENIUS = sp.symbols(r"tr(K) \|K\|_F^2", nonnegative=True)
FIRST, SECOND = sp.symbols("lambda_1 lambda_2", nonnegative=True)
"""Eigenvalues of the kernel of two outputs."""
SIZES = ((1, 1), (1, 2), (2, 1), (2, 2), (3, 2))
"""Numbers of outputs and of weights at which averages are computed."""


@cache
def decrease() -> Derivation:
    """Derive the mean decrease of the loss in a step."""
    return Derivation.begin("Decrease of the loss in a step", "The slope g times the move eta K g.", RATE * FALL).then(
        "Average over the signs of g: off the diagonal they cancel.", RATE * TRACE, at_sizes(_outputs, *SIZES)
    )


@cache
def move() -> Derivation:
    """Derive the mean squared move of the outputs in a step."""
    return Derivation.begin("Move of the outputs in a step", "The square norm of eta K g.", RATE**2 * WAY).then(
        "Average over the signs of g: that of K's columns.", RATE**2 * FROBENIUS, at_sizes(_outputs, *SIZES)
    )


def _outputs(outputs: int, weights: int) -> WrittenOut:
    jacobian = sp.Matrix(outputs, weights, lambda i, j: sp.Symbol(f"J_{i}{j}", real=True))
    kernel = jacobian * jacobian.T
    slopes, groups = matrix("g", outputs, 1, sign)
    moved = kernel * slopes
    frobenius = sp.Add(*(entry**2 for entry in kernel))
    stands_for = {FALL: slopes.dot(moved), WAY: moved.dot(moved), TRACE: kernel.trace(), FROBENIUS: frobenius}
    return WrittenOut(stands_for, groups)


@cache
def upper_bound() -> Derivation:
    """Derive that the squared Frobenius norm is at most the squared trace."""
    whole = (FIRST + SECOND) ** 2
    return (
        Derivation.begin("Frobenius norm from above", "Add up squared eigenvalues.", FIRST**2 + SECOND**2)
        .then("Complete the square of the trace.", whole - 2 * FIRST * SECOND)
        .then(
            "No eigenvalue of J J^T is negative.",
            at_most(whole - 2 * FIRST * SECOND, whole),
            dropping(-2 * FIRST * SECOND),
        )
    )


@cache
def lower_bound() -> Derivation:
    """Derive that the squared Frobenius norm of two outputs is at least half of the squared trace."""
    half, rest = (FIRST + SECOND) ** 2 / 2, (FIRST - SECOND) ** 2 / 2
    return (
        Derivation.begin("Frobenius norm from below", "Add up squared eigenvalues.", FIRST**2 + SECOND**2)
        .then("Split it into half of the squared trace and half of the squared difference.", half + rest)
        .then("Leave out the difference.", at_least(half + rest, half), dropping(rest))
    )


def mean_decrease(rate: Value, trace: Value) -> sp.Expr:
    """Return by how much a step lowers the loss on average, eta tr K.

    Raises
    ------
    ValueError
        If `rate` or `trace` is negative.
    """
    return decrease().at({RATE: nonnegative("rate", rate), TRACE: nonnegative("trace", trace)})


def mean_square_move(rate: Value, frobenius_square: Value) -> sp.Expr:
    """Return the mean squared move of the outputs, eta^2 ||K||_F^2; errors as in `mean_decrease`."""
    square = nonnegative("frobenius_square", frobenius_square)
    return move().at({RATE: nonnegative("rate", rate), FROBENIUS: square})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (decrease, move, upper_bound, lower_bound)
