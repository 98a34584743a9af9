"""Numbers as float16, bfloat16 and float32 store them: rounded to the nearest, halfway to the one of even last bit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulations.numbers.arrays import Array

Store = Callable[[Array], Array]
"""Takes numbers and returns them as a format stores them, as float64."""


def float16(values: Array) -> Array:
    """Store numbers as IEEE half precision."""
    with np.errstate(over="ignore", under="ignore"):
        return values.astype(np.float16).astype(np.float64)


def float32(values: Array) -> Array:
    """Store numbers as IEEE single precision."""
    with np.errstate(over="ignore", under="ignore"):
        return values.astype(np.float32).astype(np.float64)


def bfloat16(values: Array) -> Array:
    """Store numbers as the upper 16 bits of their float32, rounded; NumPy has no such type.

    They are rounded to float32 first, which matters only within 2^-24 of halfway between two numbers.
    """
    with np.errstate(over="ignore", under="ignore"):
        bits = np.atleast_1d(values).astype(np.float32).view(np.uint32).astype(np.uint64)
    rounded = bits + 0x7FFF + ((bits >> np.uint64(16)) & np.uint64(1))
    upper = (rounded & np.uint64(0xFFFF0000)).astype(np.uint32).view(np.float32).astype(np.float64)
    return upper.reshape(np.shape(values))


STORES: dict[str, Store] = {"float16": float16, "bfloat16": bfloat16, "float32": float32}


def running(store: Store, step: Callable[[Array], Array], start: float, steps: int) -> Array:
    """Return what a format holds of a number at the start and after each of `steps` steps: (steps + 1,)."""
    held = [store(np.array([start]))]
    for _ in range(steps):
        held.append(store(step(held[-1])))
    return np.concatenate(held)
