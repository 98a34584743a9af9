"""Looks-linear initialisation: one unit of (relu(x), relu(-x)) with weights w and -w is linear, and so is its slope.

Exact at every input, for every weight: nothing is averaged.

- w relu(x) - w relu(-x) = w x (`pair`).
- Its slope is w wherever x is not 0 (`slope`): gradients do not shatter.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import real
from theory.symbols import X

W = sp.Symbol("w", real=True)


def _relu(x: sp.Expr) -> sp.Expr:
    return (x + sp.Abs(x)) / 2


def _active(x: sp.Expr) -> sp.Expr:
    return (1 + sp.sign(x)) / 2


@cache
def pair() -> Derivation:
    """Derive what a mirrored pair of weights makes of the two halves of a concatenated rectifier."""
    return Derivation.begin(
        "A mirrored pair of weights",
        "Add the two halves, each with its weight; relu(x) is (x + |x|) / 2.",
        W * _relu(X) - W * _relu(-X),
    ).then("The absolute values cancel.", W * X)


@cache
def slope() -> Derivation:
    """Derive the slope of the pair where x is not 0."""
    return Derivation.begin(
        "Slope of a mirrored pair of weights",
        "One half is active, the other is not; the inner derivative of relu(-x) is -1.",
        W * _active(X) + W * _active(-X),
    ).then("The signs cancel.", W)


def mirrored_pair(weight: Value, x: Value) -> sp.Expr:
    """Return w relu(x) - w relu(-x). Exact."""
    return pair().at(w=real("weight", weight), x=real("x", x))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (pair, slope)
