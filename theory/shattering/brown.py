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
from theory.expectation import averaged, chi_square_moments
from theory.mean_field import angles
from theory.symbols import THETA, N

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
    active, different, same = sp.symbols("q d T", nonnegative=True)
    trace = active * N * same**2 + (active * N) ** 2 * (1 - 1 / N) * N**2
    square = N * (N - 1) * different / 4 + N * active * same**2
    return Derivation.begin(
        "Second moment of the inner product of two gradients",
        "A normal v of variance 1 / n gives ((tr M)^2 + ||M||^2 + tr M^2) / n^2, at most this. M has inner products "
        "of rows active at the first input, i, and at the second, j; q is the probability that one row is active at "
        "both, and different rows are active at one each with probability 1/4. Entries have variance 2 / n.",
        4 / N**4 * (trace + 2 * square),
    ).then(
        "Different rows have a mean squared inner product n, T is chi-square with n degrees of freedom.",
        4 / N**2 * (active * (N + 2) + active**2 * N * (N - 1) + (N - 1) / 2 + 2 * active * (N + 2)),
        averaged({different: (1, N), same: chi_square_moments(N)}),
    )


def lag_correlation(lag: Value) -> sp.Expr:
    """Return E g(t).g(t + lag) / E||g||^2 for a lag of at most half a turn: 1 - lag/pi. Exact at any width."""
    return angles.mask_overlap(lag)


def variance_bound(lag: Value, width: Value) -> sp.Expr:
    """Bound the variance of g(t).g(t + lag) / E||g||^2; all but the step to ||M||^2 is exact."""
    n = positive_integer("width", width)
    return second_moment().at(q=angles.coactive(lag), n=n) - lag_correlation(lag) ** 2


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (increment, increments, second_moment)
