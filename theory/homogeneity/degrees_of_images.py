"""What pooling and normalisation do to a degree of positive homogeneity; a convolution is a dense layer of patches.

d is the degree of the input, as in `theory.homogeneity.degrees`. Exact.

- Max-pooling (`maximum`) and average pooling (`average`) keep d.
- A normalisation has the local degree d epsilon / (v + epsilon), v the variance: 0 if epsilon or d is 0, else none
  (`normalised`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative
from theory.homogeneity.degrees import D, degree_of, dense_degree, whole
from theory.symbols import C

EPS = sp.Symbol("epsilon", nonnegative=True)


@cache
def maximum() -> Derivation:
    """Derive the degree of the larger of two entries, (x + y + |x - y|) / 2; of more, pair by pair."""
    x, y = sp.symbols("x y", real=True)
    larger = (x + y + sp.Abs(x - y)) / 2
    return (
        Derivation.begin(
            "Degree of max-pooling",
            "The larger of two entries of degree d.",
            (C**D * x + C**D * y + sp.Abs(C**D * (x - y))) / 2,
        )
        .then("A positive factor comes out of |x - y|.", C**D * larger)
        .then("The degree is that of the entries.", D, degree_of(larger))
    )


@cache
def average() -> Derivation:
    """Derive the degree of an average of two entries; of more alike."""
    x, y = sp.symbols("x y", positive=True)
    return (
        Derivation.begin("Degree of average pooling", "Two entries of degree d.", (C**D * x + C**D * y) / 2)
        .then("The factor comes out.", C**D * (x + y) / 2)
        .then("The degree is that of the entries.", D, degree_of((x + y) / 2))
    )


@cache
def normalised() -> Derivation:
    """Derive the local degree of an entry less its mean, over the root of the variance and epsilon."""
    deviation, variance = sp.symbols("delta v", positive=True)
    return Derivation.begin(
        "Degree of a normalisation",
        "Of entries of degree d, a deviation from the mean has degree d and their variance 2 d.",
        C**D * deviation / sp.sqrt(C ** (2 * D) * variance + EPS),
    ).then(
        "The local degree: 0 if epsilon is 0 or the input is constant; else it varies with the variance.",
        D * EPS / (variance + EPS),
        degree_of(deviation / sp.sqrt(variance + EPS)),
    )


@cache
def maximum_degree(incoming: int | None) -> int | None:
    """Return the degree of max-pooling: that of its input."""
    return None if incoming is None else whole(maximum().at(d=incoming))


@cache
def average_degree(incoming: int | None) -> int | None:
    """Return the degree of average pooling, or of taking every other pixel: that of the input."""
    return None if incoming is None else whole(average().at(d=incoming))


@cache
def normalisation_degree(
    incoming: int | None, epsilon: Value = 0, gain_scaled: bool = False, bias_scaled: bool | None = None
) -> int | None:
    """Return the degree of a batch, group or layer norm with gain, or None; `bias_scaled` is None without a bias.

    Raises
    ------
    ValueError
        If `epsilon` is negative.
    """
    if incoming is None or normalised().at({EPS: nonnegative("epsilon", epsilon)}, d=incoming) != 0:
        return None
    return dense_degree(0, gain_scaled, bias_scaled)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (maximum, average, normalised)
