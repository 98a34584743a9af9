"""Arrays that are allocated once and written over, for ``tape.py``."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulations.numbers.arrays import Array


@dataclass
class Buffer:
    """An array (1, batch, ...) and whether its entries are still needed, so that nobody may write over them."""

    array: Array
    kept: bool = False

    @cached_property
    def rows(self) -> Array:
        """The same as a matrix (batch, features), for products."""
        return self.array.reshape(-1, self.array.shape[-1])

    @cached_property
    def flat(self) -> Array:
        """The same as a vector."""
        return self.array.reshape(-1)


def place(*candidates: Buffer) -> Buffer:
    """Return the first candidate that may be written over, or else a new buffer of the same shape."""
    free = (one for one in candidates if not one.kept)
    return next(free, None) or Buffer(np.empty_like(candidates[0].array))


class Scratch:
    """Buffers that are used again as soon as they are given back."""

    def __init__(self) -> None:
        self._free: dict[tuple[int, ...], list[Buffer]] = defaultdict(list)
        self._constants: dict[tuple[float, tuple[int, ...]], Array] = {}

    def like(self, model: Buffer) -> Buffer:
        """Return a buffer that nobody uses, of the shape of `model`."""
        free = self._free[model.array.shape]
        return free.pop() if free else Buffer(np.empty_like(model.array))

    def place(self, *candidates: Buffer) -> Buffer:
        """Return the first candidate that may be written over, or else a buffer that nobody uses."""
        free = (one for one in candidates if not one.kept)
        return next(free, None) or self.like(candidates[0])

    def release(self, buffer: Buffer) -> None:
        """Give a buffer back, unless somebody keeps it."""
        if not buffer.kept:
            self._free[buffer.array.shape].append(buffer)

    def constant(self, value: float, model: Array) -> Array:
        """Return an array like `model` of one number: NumPy is faster with that than with the number."""
        key = (value, model.shape)
        if key not in self._constants:
            self._constants[key] = np.full_like(model, value)
        return self._constants[key]
