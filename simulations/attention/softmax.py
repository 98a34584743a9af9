"""Softmax over the last axis, and its pullback; hidden entries get weight 0."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulations.attention.masks import Mask, checked
from simulations.numbers.arrays import Array

SMALL = {"f": 40.0, "d": 300.0}
"""Logits up to this size need no shift: sums of their exponentials neither overflow nor vanish."""


def row_sums(x: Array) -> Array:
    """Sum over the last axis; as a product, which is faster than NumPy's sum over few entries."""
    sums: Array = (x.reshape(-1, x.shape[-1]) @ np.ones(x.shape[-1], x.dtype)).reshape(x.shape[:-1])
    return sums


def softmax(logits: Array, mask: Mask | None = None) -> tuple[Array, Callable[[Array], Array]]:
    """Return ``exp(z) / sum exp(z)`` along the last axis, and how a cotangent passes back to the logits.

    Parameters
    ----------
    logits : array (..., keys)
    mask : array of bool, optional
        True for entries that count; the others have weight 0, and no cotangent passes back to them.

    Raises
    ------
    ValueError
        If the mask does not fit, or hides all of a row.
    """
    seen = None if mask is None else checked(mask, logits.shape)
    largest = np.abs(logits).max()
    if largest <= SMALL[logits.dtype.char]:
        weights = np.exp(logits)
        if seen is not None:
            weights *= seen.astype(logits.dtype)
    else:
        hidden = logits if seen is None else np.where(seen, logits, -np.inf)
        weights = np.exp(hidden - hidden.max(axis=-1, keepdims=True))
    weights /= row_sums(weights)[..., None]

    def pullback(cotangent: Array) -> Array:
        dz = cotangent * weights
        np.subtract(cotangent, row_sums(dz)[..., None], out=dz)
        dz *= weights
        return dz

    return weights, pullback
