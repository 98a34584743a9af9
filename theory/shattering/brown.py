"""The gradient of one ReLU layer along a circle of inputs: brown noise, exactly and at every width.

Inputs x(t) turn by the angle t; g(t) = W^T D(t) v, with weights of variance 2/n, all widths n, and a normal v of mean
square norm 1. The correlation of g at two points is that of the masks (`theory.mean_field.angles.mask_overlap`), 1 -
lag/pi up to half a turn. Over W and v.

- E||g(t + theta) - g(t)||^2 = 2 theta / pi, proportional to the lag (`increment`).
- Increments that follow each other within half a turn are uncorrelated, as in Brownian motion (`increments`).
- A bound of E (g1.g2)^2, exact but for one step (`second_moment`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.mean_field import angles
from theory.rules import at_most, equal
from theory.shattering.block import FROBENIUS, TRACE, TRACE_OF_SQUARE, layer
from theory.symbols import THETA, N
from theory.written_out import WrittenOut, at_sizes, matrix, normal

QUADRATIC, ACTIVE = sp.Symbol("v^{T}Mv", real=True), sp.Symbol("q", nonnegative=True)
LATER = sp.Symbol("tau", positive=True)
"""A second lag, after the first."""


@cache
def increment() -> Derivation:
    """Derive the mean square of an increment of the gradient."""
    return Derivation.begin(
        "Mean square of an increment of the gradient",
        "Expand the square of g(t + theta) - g(t), of mean square norms 1.",
        2 - 2 * angles.overlap().result,
    ).then("It is proportional to the lag.", 2 * THETA / sp.pi)


@cache
def increments() -> Derivation:
    """Derive that two increments that follow each other within half a turn are uncorrelated."""
    return Derivation.begin(
        "Increments of the gradient that follow each other",
        "The mean square of their sum, the increment over both lags.",
        increment().result.subs(THETA, THETA + LATER),
    ).then(
        "It is the sum of their mean squares, so the mean of their inner product is 0.",
        increment().result + increment().result.subs(THETA, LATER),
    )


@cache
def second_moment() -> Derivation:
    """Derive a bound of E (g1.g2)^2: E (tr M)^2 / n^2 + 2 E||M||^2 / n^2, with M = J1 J2^T."""
    both = ACTIVE
    return (
        Derivation.begin(
            "Second moment of the inner product of two gradients",
            "(v^T M v)^2, of a normal v of variance 1 / n.",
            QUADRATIC**2,
        )
        .then(
            "Average over v.",
            (TRACE**2 + FROBENIUS + TRACE_OF_SQUARE) / N**2,
            at_sizes(_readout, (1,), (2,), (3,)),
        )
        .then(
            "||M||^2 - tr M^2 is the sum of (m_ij - m_ji)^2 over pairs, which is not negative.",
            at_most((TRACE**2 + FROBENIUS + TRACE_OF_SQUARE) / N**2, (TRACE**2 + 2 * FROBENIUS) / N**2),
            _adding_squares,
        )
        .then(
            "Average over the weights and masks; q is the probability that a unit is active at both inputs.",
            4 / N**2 * (both * (N + 2) + both**2 * N * (N - 1) + (N - 1) / 2 + 2 * both * (N + 2)),
            lambda before, now: at_sizes(layer, (2,), (3,), (4,))(
                before.rhs, now.subs(both, angles.coactivation().result)
            ),
        )
    )


def _adding_squares(before: sp.Basic, now: sp.Basic) -> str:
    """Check that the bound is the previous expression plus a positive multiple of a sum of squares, up to 3 units."""
    for width in (1, 2, 3):
        put = _readout(width).stands_for
        m = sp.Matrix(width, width, lambda i, j: sp.Symbol(f"m_{i + 1}{j + 1}", real=True))
        squares = sp.Add(*((m[i, j] - m[j, i]) ** 2 for i in range(width) for j in range(i)))
        equal(sp.expand((now.rhs - before).subs(put)), sp.expand(squares / width**2))
    equal(before, now.lhs)
    return "3 sizes"


def _readout(width: int) -> WrittenOut:
    """Write out a quadratic form of v and what its mean is made of, for any matrix."""
    entries = sp.Matrix(width, width, lambda i, j: sp.Symbol(f"m_{i + 1}{j + 1}", real=True))
    v, groups = matrix("v", width, 1, normal(sp.Rational(1, width)))
    stands_for = {
        QUADRATIC: v.dot(entries * v),
        N: sp.Integer(width),
        TRACE: entries.trace(),
        FROBENIUS: sp.Add(*(entry**2 for entry in entries)),
        TRACE_OF_SQUARE: (entries * entries).trace(),
    }
    return WrittenOut(stands_for, groups)


def lag_correlation(lag: Value) -> sp.Expr:
    """Return E g(t).g(t + lag) / E||g||^2 for a lag of at most half a turn: 1 - lag/pi. Exact at any width."""
    return angles.mask_overlap(lag)


def variance_bound(lag: Value, width: Value) -> sp.Expr:
    """Bound the variance of g(t).g(t + lag) / E||g||^2; all but the step to ||M||^2 is exact."""
    n = positive_integer("width", width)
    return second_moment().at(q=angles.coactive(lag), n=n) - lag_correlation(lag) ** 2


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (increment, increments, second_moment)
