"""Norms that neither overflow nor underflow, and states carried as a mantissa and a power of two."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulations.numbers.arrays import Array

Exponents = NDArray[np.int64]


def norm(x: Array, axis: int | tuple[int, ...] = -1) -> Array:
    """Return the Euclidean norm along `axis`, right for entries from 1e-300 to 1e300."""
    largest = np.abs(x).max(axis=axis, keepdims=True)
    scale = np.where(largest > 0, np.ldexp(1.0, np.frexp(largest)[1] - 1), 1.0)
    root: Array = np.sqrt(np.square(x / scale).sum(axis=axis)) * np.squeeze(scale, axis=axis)
    return root


def square_norm(x: Array) -> Array:
    """Return the squared norms of x (draws, ...) over all axes but the first: (draws,)."""
    flat = x.reshape(len(x), -1)
    norms: Array = np.vecdot(flat, flat)
    return norms


def rescale(x: Array, exponents: Exponents) -> tuple[Array, Exponents]:
    """Move the power of two of each row of `x` (its last axis) into `exponents`; exact, no rounding.

    Rows of zeros stay as they are. ``ldexp(mantissas, exponents)`` gives the state back where it is finite.
    """
    powers = np.asarray(np.frexp(np.abs(x).max(axis=-1))[1], dtype=np.int64)
    mantissas: Array = np.ldexp(x, -powers[..., None])
    return mantissas, exponents + powers


def log2_square_norm(x: Array, exponents: Exponents) -> Array:
    """Return log2 of the squared norm of ``x * 2**exponents`` along the last axis; -inf for zero rows."""
    with np.errstate(divide="ignore"):
        logs: Array = 2 * (np.log2(norm(x)) + exponents.astype(np.float64))
    return logs


def gram(x: Array) -> Array:
    """Return the inner products of the rows of x (draws, batch, features): (draws, batch, batch)."""
    return np.vecdot(x, x)[:, :, None] if x.shape[1] == 1 else x @ x.mT
