"""Rows of nearly equal lengths, all in one vector: first a rectangle as wide as the shortest, then what is longer.

The rectangle takes one call of BLAS a row, whatever else is left over, row by row, one pass more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulations.numbers.arrays import Array

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """How long each row is, (rows,), and so where its entries are in a vector (size,) of them all."""

    lengths: Counts

    @cached_property
    def size(self) -> int:
        """The sum of the lengths."""
        return int(self.lengths.sum())

    @cached_property
    def shortest(self) -> int:
        """The width of the rectangle."""
        return int(self.lengths.min())

    @cached_property
    def longer(self) -> Counts:
        """How much longer each row is."""
        longer: Counts = self.lengths - self.shortest
        return longer

    @cached_property
    def _rests(self) -> tuple[Counts, Counts]:
        """Which rows are longer, and where in the vector their rests begin."""
        some, ends = self.longer.nonzero()[0], self.longer.cumsum()
        return some, (ends - self.longer)[some]

    def rectangle(self, entries: Array) -> Array:
        """Return a view of the entries that all rows have, (rows, shortest)."""
        return entries[: self.shortest * len(self.lengths)].reshape(len(self.lengths), self.shortest)

    def rest(self, entries: Array) -> Array:
        """Return a view of all other entries."""
        return entries[self.shortest * len(self.lengths) :]

    def inner(self, one: Array, other: Array) -> Array:
        """Return the inner products of rows, (rows,) in double precision."""
        sums: Array = np.vecdot(self.rectangle(one), self.rectangle(other)).astype(np.float64)
        some, starts = self._rests
        if len(some):
            sums[some] += np.add.reduceat(self.rest(one) * self.rest(other), starts)
        return sums

    def scaled(self, numbers: Array, entries: Array) -> Array:
        """Return the rows times a number each, (rows,), at the precision of the entries."""
        some, products = numbers.astype(entries.dtype), np.empty_like(entries)
        np.multiply(self.rectangle(entries), some[:, None], out=self.rectangle(products))
        np.multiply(self.rest(entries), np.repeat(some, self.longer), out=self.rest(products))
        return products

    def padded(self, entries: Array, width: int) -> Array:
        """Return an array (rows, width), with zeros behind each row."""
        array = np.zeros((len(self.lengths), width), entries.dtype)
        array[:, : self.shortest] = self.rectangle(entries)
        array[:, self.shortest :][np.arange(width - self.shortest) < self.longer[:, None]] = self.rest(entries)
        return array
