"""Mean square behind an activation, entry by entry, where entries are normal or have some other known law.

Entries behind a linear map are taken as normal with mean 0, which is what wide layers make of them: this is mean field.
Those behind an activation or a sum keep the law that follows, as `ATOMS` numbers of equal weight.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from scipy import stats

from audit.measured import Array
from theory.layer.any_activation import NAMES
from theory.layer.panels import moments

ATOMS = 256
POINTS = 7
"""Mean squares at which an activation is asked; between them its logarithm is a line over their logarithm."""
Function = str | Callable[[float], float]
Law = Array | None
"""Atoms of mean square 1 (atoms,), or None for a normal law."""


def of_values(values: Array) -> Law:
    """Return the law of numbers that are given."""
    return unit(np.quantile(values, _levels()))


def unit(atoms: Array) -> Law:
    """Return atoms of mean square 1."""
    square = float((atoms**2).mean())
    return atoms / np.sqrt(square) if square > 0 else None


def mean(law: Law) -> float:
    """Return the mean over the root mean square."""
    return 0.0 if law is None else float(law.mean())


def activated(function: Function, squares: Array, law: Law) -> tuple[Array, Law]:
    """Return expected squares behind an activation, entry by entry, and the law there.

    Raises
    ------
    ArithmeticError
        If a moment cannot be told (`theory.layer.panels`).
    """
    positive = squares[squares > 0]
    if not positive.size:
        return np.full_like(squares, float(_value(function, 0.0)) ** 2), None
    low, high = float(positive.min()), float(positive.max())
    grid = np.geomspace(low, high, POINTS) if high > low * (1 + 1e-9) else np.array([low])
    seen = np.array([_square(function, q, law) for q in grid])
    with np.errstate(divide="ignore"):
        logs = np.interp(np.log(np.maximum(squares, low)), np.log(grid), np.log(seen))
    made = np.where(squares > 0, np.exp(logs), float(_value(function, 0.0)) ** 2)
    return made, behind(function, float(squares.mean()), law)


def behind(function: Function, square: float, law: Law) -> Law:
    """Return the law behind an activation of entries of this mean square."""
    return unit(np.array([_value(function, float(z)) for z in math.sqrt(square) * _atoms(law)]))


def added(one: tuple[float, Law], other: tuple[float, Law]) -> Law:
    """Return the law of a sum of independent entries of these mean squares and laws."""
    (first, law), (second, another) = one, other
    if law is None and another is None:
        return None
    sums = np.sqrt(first) * _atoms(law)[:, None] + np.sqrt(second) * _atoms(another)[None, :]
    return unit(np.sort(sums, axis=None)[ATOMS // 2 :: ATOMS])


def _atoms(law: Law) -> Array:
    return _normal() if law is None else law


@cache
def _normal() -> Array:
    atoms: Array = stats.norm.ppf(_levels())
    atoms /= np.sqrt((atoms**2).mean())
    return atoms


def _levels() -> Array:
    return (np.arange(ATOMS) + 0.5) / ATOMS


def _value(function: Function, z: float) -> float:
    return float(NAMES[function](z) if isinstance(function, str) else function(z))


def _square(function: Function, q: float, law: Law) -> float:
    if law is None:
        return moments(NAMES[function] if isinstance(function, str) else function, q).square
    return float(np.mean([_value(function, float(z)) ** 2 for z in np.sqrt(q) * law]))
