"""What dropout and concatenation do to a degree of positive homogeneity.

d is the degree of the input, as in `theory.homogeneity.degrees`. Exact.

- A mask that is drawn does not scale: dropout with a given mask keeps d (`masked`), and is a dense layer of degree 0.
- Outputs of degrees d and e side by side have degree d only if e = d (`joined`): the length of both together then
  grows like c^d, and otherwise like no power.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation
from theory.homogeneity.degrees import D, E, X, degree_of, whole
from theory.symbols import C

Y = sp.Symbol("y", positive=True)
MASK = sp.Symbol("m", positive=True)


@cache
def masked() -> Derivation:
    """Derive the degree of a unit times a mask that is kept."""
    return (
        Derivation.begin("Degree of dropout", "A unit of degree d under a given mask, kept.", MASK * (C**D * X))
        .then("The factor comes out.", C**D * (MASK * X))
        .then("The degree is that of the unit.", D, degree_of(MASK * X))
    )


@cache
def joined() -> Derivation:
    """Derive the local degree of the length of two outputs side by side, of degrees d and e."""
    return (
        Derivation.begin(
            "Degree of a concatenation",
            "Its length: x has degree d and y degree e.",
            sp.sqrt((C**D * X) ** 2 + (C**E * Y) ** 2),
        )
        .then(
            "The local degree: the logarithmic derivative in log c.",
            (D * X**2 + E * Y**2) / (X**2 + Y**2),
            degree_of(sp.sqrt(X**2 + Y**2)),
        )
        .then(
            "It is d plus what depends on how large either is: a constant only if e = d.",
            D + (E - D) * Y**2 / (X**2 + Y**2),
        )
    )


@cache
def dropout_degree(incoming: int | None) -> int | None:
    """Return the degree of dropout with a given mask: that of its input."""
    return None if incoming is None else whole(masked().at(d=incoming))


@cache
def concatenation_degree(left: int | None, right: int | None) -> int | None:
    """Return the degree of two outputs side by side: the common one, or None."""
    if left is None or right is None or joined().at(d=left, e=right) != left:
        return None
    return left


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (masked, joined)
