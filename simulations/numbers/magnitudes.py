"""Norms that neither overflow nor underflow, and states carried as a mantissa and a power of two."""

from __future__ import annotations

from collections.abc import Callable

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


def deep_forward(
    block: Callable[[int, Array], Array],
    depth: int,
    x: Array,
    *,
    every: int = 16,
) -> tuple[Array, Array, Exponents]:
    """Carry `x` through ``block(0, x), block(1, x), ...``, each positively homogeneous of degree 1, at any depth.

    A power of two is moved out on entry and every 16 blocks, so states neither overflow nor lose a bit, however large
    they grow.

    Returns
    -------
    tuple
        log2 of the squared norm at every depth (depth + 1, ...), the last mantissas, and their exponents.

    Raises
    ------
    OverflowError
        If a block returns NaN or infinity; the message names it.
    """
    x, exponents = rescale(x, np.zeros(x.shape[:-1], dtype=np.int64))
    logs = np.empty((depth + 1, *x.shape[:-1]))
    logs[0] = log2_square_norm(x, exponents)
    for position in range(depth):
        x = block(position, x)
        if not np.isfinite(x).all():
            raise OverflowError(f"block {position} returned a value that is not finite")
        if (position + 1) % every == 0:
            x, exponents = rescale(x, exponents)
        logs[position + 1] = log2_square_norm(x, exponents)
    return logs, x, exponents


def gram(x: Array) -> Array:
    """Return the inner products of the rows of x (draws, batch, features): (draws, batch, batch)."""
    return np.vecdot(x, x)[:, :, None] if x.shape[1] == 1 else x @ x.mT
