r"""How far the square norm of a stream strays from its mean, where branches are normal given their size.

Given S the stream is x_0 + sqrt(S) z with n standard normals z: so it is for pre-LN branches of Gaussian weights, whose
last layer makes each normal, with S the sum of their mean squares; and for one branch without a norm. Exact.

- Var(||x_0 + sqrt(S) z||^2) = 2 n S^2 + 4 S ||x_0||^2 at a given S (`given_size`).
- Over S of mean m and variance w it is 2 n (m^2 + w) + 4 m ||x_0||^2 + n^2 w (`over_sizes`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, positive_integer
from theory.expectation import averaged
from theory.symbols import N
from theory.written_out import WrittenOut, at_sizes, matrix, normal

SIZE, MEAN, VARIANCE = sp.symbols("S m w", positive=True)
HIGHER = sp.symbols("E(S^3) E(S^4)", positive=True)
NORM, START = sp.symbols(r"\|x\|^2 \|{x_0}\|^2", nonnegative=True)


def _written(width: int) -> WrittenOut:
    start, (moved, groups) = sp.Matrix(sp.symbols(f"x_1:{width + 1}", real=True)), matrix("z", width, 1, normal(SIZE))
    after = start + moved
    return WrittenOut({NORM: after.dot(after), START: start.dot(start), N: sp.Integer(width)}, groups)


@cache
def given_size() -> Derivation:
    """Derive the variance of the square norm at a given size of the steps."""
    return Derivation.begin(
        "Square norm of a random walk",
        "The square of ||x||^2 less its mean, ||x_0||^2 + n S; every coordinate moves by a normal of variance S.",
        (NORM - START - N * SIZE) ** 2,
    ).then("Average over the normals.", 2 * N * SIZE**2 + 4 * SIZE * START, at_sizes(_written, (1,), (2,), (3,)))


@cache
def over_sizes() -> Derivation:
    """Derive it where the size of the steps is random as well."""
    return Derivation.begin(
        "Square norm of a random walk of random steps",
        "The law of total variance: the mean of the variance, and the square of how the mean n S strays.",
        given_size().result + N**2 * (SIZE - MEAN) ** 2,
    ).then(
        "Average over S.",
        2 * N * (MEAN**2 + VARIANCE) + 4 * MEAN * START + N**2 * VARIANCE,
        averaged({SIZE: (sp.S.One, MEAN, MEAN**2 + VARIANCE, *HIGHER)}),
    )


def norm_variance(start: Value, coordinates: Value, mean: Value, variance: Value) -> sp.Expr:
    """Return the variance of ||x||^2 in so many coordinates, S of this mean and variance. Exact.

    `start` is the square norm of x_0 in these coordinates.
    """
    values = {START: nonnegative("start", start), N: positive_integer("coordinates", coordinates)}
    return over_sizes().at(values | {MEAN: positive("mean", mean), VARIANCE: nonnegative("variance", variance)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (given_size, over_sizes)
