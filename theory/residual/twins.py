"""Twins of a residual net, x and y, which have one input and independent weights: how far they part in a block.

Given the twins before a block, its branches add rho ||x|| g and rho' ||y|| g', normal in n dimensions (see
`theory.residual.fluctuations`), so x - y gains s g, with s^2 = rho^2 ||x||^2 + rho'^2 ||y||^2. D is ||x - y||^2 / 2,
whose mean is the variance of the stream at that input; A is (||x||^2 + ||y||^2) / 2, and kappa the relative second
moment of the hidden layers, product of 1 + 5/h. Gaussian weights at a fixed input; exact at every width.

- Given both twins, E D' = D + eta^2 A (`distance`).
- Var D' / (E D')^2 is at most that of a branch alone, (1 + 2/n) kappa - 1 (`distance_spread`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive_integer
from theory.expectation import STANDARD_NORMAL, averaged, chi_square_moments
from theory.rules import at_most, dropping, equal
from theory.symbols import ETA, N, T

PERPENDICULAR, SQUARE = sp.symbols("U s^2", nonnegative=True)
STEP, DISTANCE, AVERAGE = sp.symbols("s D A", positive=True)
EXCESS = sp.Symbol("k", nonnegative=True)
"""kappa less 1."""


@cache
def distance() -> Derivation:
    """Derive the mean of D' given the twins before the block."""
    given_step = DISTANCE + N * SQUARE / 2
    return (
        Derivation.begin(
            "Half the squared distance of twins behind a residual block",
            "x - y of length sqrt(2 D) gains s g: a component t along it, and U across, chi-square with n - 1 degrees "
            "of freedom.",
            ((sp.sqrt(2 * DISTANCE) + STEP * T) ** 2 + STEP**2 * PERPENDICULAR) / 2,
        )
        .then(
            "Average over the last layers.",
            given_step,
            lambda before, now: averaged({T: STANDARD_NORMAL, PERPENDICULAR: chi_square_moments(N - 1)})(
                sp.expand(before), now.subs(SQUARE, STEP**2)
            ),
        )
        .then(
            "Average over the hidden layers: n rho^2 has mean eta^2, so n s^2 has mean 2 eta^2 A.",
            DISTANCE + ETA**2 * AVERAGE,
            averaged({SQUARE: (1, 2 * ETA**2 * AVERAGE / N)}),
        )
    )


@cache
def distance_spread() -> Derivation:
    """Derive a bound on the relative variance of D' given the twins before the block."""
    gained = ETA**2 * AVERAGE
    fourth = (4 * DISTANCE**2 + (4 + 2 * N) * 2 * DISTANCE * SQUARE + N * (N + 2) * SQUARE**2) / 4
    whole = (DISTANCE + gained) ** 2
    spread = 4 * DISTANCE * gained / N + ((1 + 2 / N) * (1 + EXCESS) - 1) * gained**2
    limit = (1 + 2 / N) * (1 + EXCESS) - 1
    slack = sp.expand(spread - limit * whole)
    return (
        Derivation.begin(
            "Spread of the squared distance of twins behind a residual block",
            "Square half the squared distance.",
            ((sp.sqrt(2 * DISTANCE) + STEP * T) ** 2 + STEP**2 * PERPENDICULAR) ** 2 / 4,
        )
        .then(
            "Average over the last layers.",
            fourth,
            lambda before, now: averaged({T: STANDARD_NORMAL, PERPENDICULAR: chi_square_moments(N - 1)})(
                sp.expand(before), sp.expand(now.subs(SQUARE, STEP**2))
            ),
        )
        .then(
            "Average over the hidden layers, at the most: the mean square of n s^2 is (1 + k) ||x||^4 + 2 ||x||^2 "
            "||y||^2 + (1 + k) ||y||^4 times eta^4, and so no more than 4 (1 + k) eta^4 A^2. Take the squared mean "
            "away.",
            spread,
            lambda before, now: averaged({SQUARE: (1, 2 * gained / N, 4 * (1 + EXCESS) * gained**2 / N**2)})(
                sp.expand(before), sp.expand(now + whole)
            ),
        )
        .then(
            "It is at most (1 + 2/n)(1 + k) - 1 times the squared mean D + eta^2 A: what is missing is not negative.",
            at_most(spread, limit * whole),
            dropping(slack),
        )
        .then("Divide by the squared mean.", limit, lambda before, now: equal(sp.cancel(before.rhs / whole), now))
    )


def distance_after(distance_before: Value, average: Value, branch_gain: Value = 1) -> sp.Expr:
    """Return E D' = D + branch_gain A given the twins before a block, from D and A. Exact.

    Raises
    ------
    ValueError
        If a number is negative.
    """
    values = {
        DISTANCE: nonnegative("distance_before", distance_before),
        AVERAGE: nonnegative("average", average),
        ETA: sp.sqrt(nonnegative("branch_gain", branch_gain)),
    }
    return distance().at(values)


def distance_relative_variance(width: Value, kurtosis: Value) -> sp.Expr:
    """Return a bound on Var D' / (E D')^2 given the twins before a block.

    `kurtosis` is the relative second moment of the squared norm behind the hidden layers, such as
    `theory.fluctuations.norms.fourth_moment_ratio` of their widths.
    """
    return distance_spread().at(n=positive_integer("width", width), k=nonnegative("kurtosis - 1", kurtosis - 1))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (distance, distance_spread)
