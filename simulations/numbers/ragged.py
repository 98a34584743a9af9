"""Rows of different lengths, one behind the other, so that one call does for all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.numbers.arrays import Array

LONG = 1 << 13
"""From this mean length on, a call a row is cheaper than products that are written down and then added."""


@dataclass(frozen=True)
class Ragged:
    """Rows of numbers, (sum of lengths,) in `entries`, and their lengths (rows,), which may be 0."""

    entries: Array
    lengths: NDArray[np.int64]

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where each row begins."""
        ends: NDArray[np.int64] = np.cumsum(self.lengths)
        return ends - self.lengths

    def inner(self, other: Array) -> Array:
        """Return the inner products of the rows with those of other entries, (rows,) in double precision."""
        sums = np.zeros(len(self.lengths))
        if len(self.entries) >= LONG * len(self.lengths):
            for row, (start, length) in enumerate(zip(self.starts.tolist(), self.lengths.tolist(), strict=True)):
                sums[row] = np.vecdot(self.entries[start : start + length], other[start : start + length])
            return sums
        some = self.lengths > 0
        if some.any():
            sums[some] = np.add.reduceat(self.entries * other, self.starts[some])
        return sums

    def spread(self, numbers: Array) -> Array:
        """Return a number a row, (rows,), for each of its entries, at their precision."""
        return np.repeat(numbers.astype(self.entries.dtype), self.lengths)

    def padded(self, width: int) -> Array:
        """Return an array (rows, width), with zeros behind each row."""
        array = np.zeros((len(self.lengths), width), self.entries.dtype)
        array[np.arange(width) < self.lengths[:, None]] = self.entries
        return array
