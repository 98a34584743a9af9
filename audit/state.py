"""What is known of the entries at a node of a graph, and of the parameters on the way there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from audit.law import Law

Flips = tuple[frozenset[str], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class State:
    """What is known of the entries at a node."""

    squares: Any
    """Expected squares, one an entry; a tuple of arrays of a node that makes several."""
    inexact: str = ""
    """Why this is mean field, or empty."""
    taken: bool = False
    """Whether it is what was measured there, but for constant factors."""
    law: Law = None
    turns: Flips = ()
    """Sets of weights: if the signs of all in one set turn, so does every entry."""
    depends: frozenset[str] = frozenset()
    sums: bool = False
    """Whether only sums of squares over the last axis are right."""
    slack: float = 0.0
    """By how much it may be off, relative, for norms that divide by a little more than a deviation."""
    root: str = ""
    """A node whose mean square this multiplies by `gain` at every place, whatever it is; or empty."""
    gain: float = 1.0
    base: float = 1.0
    """The spread there."""
    spread: float = 1.0
    """E ||x||^4 / (E ||x||^2)^2 given the root."""
    fresh: tuple[float, int] | None = None
    """Behind a linear map: the spread before it, and its rows."""
    axis: int | None = -1
    """The axis of the units of a place; None where they are on several."""

    @property
    def mean_square(self) -> float:
        """The mean over all entries."""
        return float(np.mean(self.squares))

    @property
    def second(self) -> float:
        """A bound on E ||x||^4 / (E ||x||^2)^2."""
        return self.base * self.spread


@dataclass(frozen=True)
class Known:
    """What is known of parameters and modules, of which a graph has the names alone.

    Attributes
    ----------
    weight : function
        From the name of a weight to its variance and why that is no rule's (empty if it is).
    bias : function
        From the name of a bias, or "", to its variance, its constant value, and why that is no rule's.
    constant : function
        Whether a parameter is the same in every draw.
    seen : function
        From the name of a module and "input" or "output" to the mean square seen there, or NaN.
    """

    weight: Callable[[str], tuple[float, str]]
    bias: Callable[[str], tuple[float, float, str]]
    constant: Callable[[str], bool]
    seen: Callable[[str, str], float]
