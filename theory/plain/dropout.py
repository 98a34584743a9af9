"""Dropout in front of a ReLU layer: what a random mask adds to the second moment, and He's variance that undoes it.

Inverted dropout multiplies a unit x by m, 1/k with probability k and otherwise 0. Over masks and weights at a fixed
input; exact at every width n.

- E (m x)^2 = x^2 / k (`masked`).
- Weights of variance 2 k / n keep the mean square through dropout, a linear layer and a ReLU (`he_with_dropout`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer, real
from theory.expectation import averaged
from theory.plain import norms as plain
from theory.rules import solving, substituting
from theory.symbols import VARIANCE, N

KEEP = sp.Symbol("k", positive=True)
"""Probability of keeping a unit."""


@cache
def masked() -> Derivation:
    """Derive the second moment of a unit under inverted dropout."""
    m, x = sp.symbols("m x", real=True)
    return Derivation.begin(
        "Second moment under inverted dropout", "Multiply a unit by a mask and square.", (m * x) ** 2
    ).then(
        "The mask is 1/k with probability k and otherwise 0, of mean 1: the second moment grows by 1/k.",
        x**2 / KEEP,
        averaged({m: (1, 1, KEEP * KEEP**-2)}),
    )


@cache
def he_with_dropout() -> Derivation:
    """Derive the weight variance with which a ReLU layer behind dropout preserves the mean square."""
    factor = sp.Symbol("d", positive=True)
    return (
        Derivation.begin(
            "He's variance behind dropout",
            "Ask that d, the factor of dropout, times the factor of a ReLU layer of n units in and out be 1.",
            sp.Eq(factor * plain.layer_factor(N, VARIANCE), 1),
        )
        .then("Solve for the variance.", sp.Eq(VARIANCE, 2 / (N * factor)), solving(VARIANCE))
        .then("Dropout has the factor 1/k.", sp.Eq(VARIANCE, 2 * KEEP / N), substituting({factor: 1 / KEEP}))
    )


def second_moment_factor(keep: Value) -> sp.Expr:
    """Return E (m x)^2 / x^2 = 1 / keep over the mask of inverted dropout.

    Raises
    ------
    ValueError
        If `keep` is not above 0 and at most 1.
    """
    return masked().at({KEEP: _probability(keep), sp.Symbol("x"): 1})


def he_variance(fan_in: Value, keep: Value) -> sp.Expr:
    """Return 2 keep / fan_in, which preserves the mean square through dropout, a linear layer and a ReLU."""
    return he_with_dropout().at({KEEP: _probability(keep)}, n=positive_integer("fan_in", fan_in))


def masked_square_bound(keep: Value) -> sp.Expr:
    """Return 1 / keep, at least E ||m x||^4 keep^2 / ||x||^4: pairs of units add (sum x^2)^2 - sum x^4, each its x^4/k.

    The bound is attained by an input with one feature.
    """
    return 1 / _probability(keep)


def _probability(keep: Value) -> sp.Expr:
    value = real("keep", keep)
    if value.is_nonpositive or (value - 1).is_positive:
        raise ValueError(f"keep is {keep}; expected a probability above 0")
    return value


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (masked, he_with_dropout)
