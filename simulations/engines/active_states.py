"""States and cotangents of which only active units are there, the draws of a block one behind the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulations.numbers.arrays import Array
from simulations.numbers.ragged import Rows

Flags = NDArray[np.bool_]


def _nonzero(rows: Rows, entries: Array) -> Array:
    """Return how many entries of each row are not zero, (rows,)."""
    some = (entries != 0).astype(np.float64)
    return rows.inner(some, some)


@dataclass(frozen=True)
class State:
    """One state a draw: ``sizes * entries`` on its active units, which are `rows`, and 0 on the others."""

    width: int
    rows: Rows
    entries: Array
    sizes: Array

    @cached_property
    def square_norms(self) -> Array:
        """Squared norms (draws,)."""
        squares: Array = self.sizes**2 * self.rows.inner(self.entries, self.entries)
        return squares

    @property
    def active(self) -> Array:
        """How many units are not zero (draws,)."""
        return _nonzero(self.rows, self.entries) * (self.sizes > 0)

    @property
    def lost(self) -> Flags:
        """Whether the squared norm is below the range of the numbers though the state is not zero, (draws,)."""
        lost: Flags = (self.square_norms < np.finfo(self.entries.dtype).tiny) & (self.active > 0)
        return lost

    @property
    def values(self) -> Array:
        """The states on active units, one draw behind the other."""
        return self.entries if (self.sizes == 1).all() else self.rows.scaled(self.sizes, self.entries)

    @property
    def array(self) -> Array:
        """The states (draws, width), active units first."""
        return self.rows.padded(self.values, self.width)


@dataclass(frozen=True)
class Cotangent:
    """The cotangent at a state, ``known * state + sizes * fresh`` on its active units; arrays (draws,)."""

    state: State
    known: Array
    sizes: Array
    fresh: Array
    """(number of active units of all draws,)"""
    inner: Array
    """The inner product with the state."""
    active_square: Array
    """The squared norm on active units: the cotangent at the pre-activation."""
    dead_square: Array
    """That on the others."""

    @property
    def square_norms(self) -> Array:
        """Squared norms (draws,)."""
        return self.active_square + self.dead_square

    @property
    def lost(self) -> Flags:
        """Whether squares are below the range of the numbers though there is a cotangent, (draws,)."""
        tiny = np.finfo(self.fresh.dtype).tiny
        given = (self.known == 0) & (_nonzero(self.state.rows, self.fresh) > 0)
        lost: Flags = (self.active_square < tiny) & (self.sizes > 0) & (given | (self.sizes**2 < tiny))
        return lost

    @property
    def values(self) -> Array:
        """The cotangents on active units, one draw behind the other."""
        rows, state = self.state.rows, self.state
        if not self.known.any() and (self.sizes == 1).all():
            return self.fresh
        return rows.scaled(self.known * state.sizes, state.entries) + rows.scaled(self.sizes, self.fresh)

    @property
    def array(self) -> Array:
        """The cotangents at the pre-activations, (draws, width), active units first."""
        return self.state.rows.padded(self.values, self.state.width)


def known(state: State, entries: Array, dead_square: Array | None = None) -> Cotangent:
    """Return the cotangent at a state of which the entries on active units are known, and nothing on the others."""
    none, square = np.zeros(len(state.sizes)), state.rows.inner(entries, entries)
    inner = state.sizes * state.rows.inner(state.entries, entries)
    return Cotangent(state, none, none + 1, entries, inner, square, none if dead_square is None else dead_square)
