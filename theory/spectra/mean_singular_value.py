"""Mean singular value of a square n x n matrix W with entries of mean 0 and variance 1/n: exact at n = 2, and wide.

The mean square of the singular values is 1 at every n, their mean is less.

- n = 2, Gaussian: half the sum of the two is the larger of two independent lengths (`theory.spectra.top_singular_value`
  has both), and that is sqrt(pi/2) - sqrt(pi)/4 in the mean (`mean_of_two`), with a mean square of 3/4
  (`square_of_two`).
- Wide limit, for independent entries of any law of finite variance: 8 / (3 pi) (`wide`).
- The mean over the n singular values varies by at most c / n^2 (`spread`): c = 1 for normal entries, 12 / pi^2 for
  uniform ones.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive, positive_integer
from theory.rules import cited, equal, substituting
from theory.symbols import N

S = sp.Symbol("s", positive=True)
LENGTH = sp.Symbol("r", nonnegative=True)
TAIL = sp.Function("P")
CONSTANT = sp.Symbol("c", positive=True)
"""The constant of Poincare's inequality, for entries of variance 1."""


def _below(tail: sp.Expr) -> sp.Expr:
    """Return the probability that the larger of two independent lengths exceeds r, if each does with `tail`."""
    return 1 - (1 - tail) ** 2


@cache
def mean_of_two() -> Derivation:
    """Derive the mean singular value of a Gaussian 2 x 2 matrix."""
    return _of_two("Mean singular value of a 2 x 2 matrix", 1, sp.sqrt(sp.pi / 2) - sp.sqrt(sp.pi) / 4)


@cache
def square_of_two() -> Derivation:
    """Derive the second moment of the mean of the two singular values of a Gaussian 2 x 2 matrix."""
    return _of_two("Square of the mean singular value of a 2 x 2 matrix", 2, sp.Rational(3, 4))


def _of_two(title: str, order: int, result: sp.Expr) -> Derivation:
    weight = order * LENGTH ** (order - 1)
    return (
        Derivation.begin(
            title,
            "The singular values are the sum and the difference of two lengths, so half their sum is the larger one: "
            "integrate its tail.",
            sp.Integral(weight * _below(TAIL(LENGTH)), (LENGTH, 0, sp.oo)),
        )
        .then(
            "The coordinates of either length have variance sigma^2 / 2 = 1/4, so it exceeds r with exp(-2 r^2).",
            sp.Integral(weight * _below(sp.exp(-2 * LENGTH**2)), (LENGTH, 0, sp.oo)),
            substituting({TAIL(LENGTH): sp.exp(-(LENGTH**2) / (2 * sp.Rational(1, 4)))}),
        )
        .then("Integrate.", result)
    )


@cache
def wide() -> Derivation:
    """Derive the mean singular value in the wide limit."""
    density = sp.Function("f")
    return (
        Derivation.begin(
            "Mean singular value of a wide layer",
            "Average over the density of the singular values.",
            sp.Integral(S * density(S), (S, 0, 2)),
        )
        .then(
            "The density is a quarter of a circle.",
            sp.Integral(S * sp.sqrt(4 - S**2) / sp.pi, (S, 0, 2)),
            cited("Marchenko and Pastur 1967"),
        )
        .then("Integrate.", 8 / (3 * sp.pi))
    )


@cache
def spread() -> Derivation:
    """Derive a bound on the variance of the mean over the singular values of one matrix."""
    i = sp.Symbol("i", integer=True)
    return (
        Derivation.begin(
            "Spread of the mean singular value",
            "Its gradient in W is an orthogonal matrix over n: add the squares of its n rows of length 1/n.",
            sp.Sum(1 / N**2, (i, 1, N)),
        )
        .then("They are alike.", 1 / N)
        .then(
            "The variance is at most the mean square of the gradient times c times the variance of an entry.",
            CONSTANT / N**2,
            lambda before, now: equal(before * CONSTANT / N, now),
        )
    )


def mean_at_two() -> sp.Expr:
    """Return the mean singular value of a 2 x 2 matrix with N(0, 1/2) entries, .8102. Exact."""
    return mean_of_two().result


def variance_at_two() -> sp.Expr:
    """Return the variance of the mean of the two singular values. Exact."""
    return square_of_two().result - mean_of_two().result ** 2


def wide_mean(scaled_variance: Value = 1) -> sp.Expr:
    """Return the mean singular value in the wide limit for entries of variance `scaled_variance` / n.

    8 / (3 pi) = .8488 for Glorot's variance, .4901 for entries uniform between -1/sqrt n and 1/sqrt n (1/3).
    """
    return wide().result * sp.sqrt(positive("scaled_variance", scaled_variance))


def variance_bound(width: Value, constant: Value = 1) -> sp.Expr:
    """Return a bound on the variance of a matrix's mean singular value, for entries of variance 1 / width.

    `constant` is that of Poincare's inequality: 1 for normal entries, 12 / pi^2 for uniform ones, where it is the
    square of an interval's length over pi, in units of its variance.
    """
    values = {CONSTANT: positive("constant", constant)}
    return spread().at(values, n=positive_integer("width", width))


UNIFORM = 12 / sp.pi**2
"""Poincare's constant of a uniform entry of variance 1."""

DERIVATIONS: tuple[Callable[[], Derivation], ...] = (mean_of_two, square_of_two, wide, spread)
