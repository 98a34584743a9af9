"""Scaled dot-product attention (Vaswani et al. 2017), with heads as an axis and any number of draws.

Arrays are (draws, batch, heads, positions, features of a head). Keys and values may have fewer heads than queries: each
then serves a group of consecutive heads of queries (Ainslie et al. 2023), down to one for all (Shazeer 2019).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from simulations.attention.masks import Mask
from simulations.attention.softmax import softmax
from simulations.numbers.arrays import Array

Cotangents = tuple[Array, Array, Array]
"""Of queries, keys and values."""


def split(rows: Array, batch: int, heads: int) -> Array:
    """View rows (draws, batch * positions, heads * features) as (draws, batch, heads, positions, features)."""
    return rows.reshape(len(rows), batch, -1, heads, rows.shape[2] // heads).swapaxes(2, 3)


def merge(heads: Array) -> Array:
    """Undo `split`."""
    draws, batch, count, positions, features = heads.shape
    return heads.swapaxes(2, 3).reshape(draws, batch * positions, count * features)


def attend(
    queries: Array,
    keys: Array,
    values: Array,
    mask: Mask | None = None,
    *,
    scale: float | None = None,
    kept: Array | None = None,
) -> tuple[Array, Array, Callable[[Array], Cotangents]]:
    """Average values with the weights ``softmax(scale * queries keys^T)``.

    Parameters
    ----------
    queries : array (draws, batch, heads, queries, d_k)
    keys : array (draws, batch, heads of keys, keys, d_k)
    values : array (draws, batch, heads of keys, keys, d_v)
    mask : array of bool, optional
        True where a query may see a key; it broadcasts to the logits (draws, batch, heads, queries, keys).
    scale : float, optional
        Of the logits; 1 / sqrt(d_k) if not given.
    kept : array (draws, batch, heads, queries, keys), optional
        Dropout of weights: what they are multiplied by, 0 or 1 / keep.

    Returns
    -------
    output : array (draws, batch, heads, queries, d_v)
    weights : array (draws, batch, heads, queries, keys)
        Before dropout.
    pullback : function
        From the cotangent of the output to those of queries, keys and values.

    Raises
    ------
    ValueError
        If shapes do not fit or the mask hides every key from a query.
    """
    scale = 1 / math.sqrt(queries.shape[-1]) if scale is None else scale
    group = _group(queries, keys, values)
    logits, to_vectors = products(queries, keys, scale)
    weights, to_logits = softmax(logits, mask)
    used = weights if kept is None else weights * kept.astype(weights.dtype, copy=False)
    output = _matmul(used, _repeated(values, group))

    def pullback(cotangent: Array) -> Cotangents:
        dvalues = _shared(_matmul(used.mT, cotangent), group)
        dweights = cotangent @ _repeated(values, group).mT
        if kept is not None:
            dweights *= kept.astype(weights.dtype, copy=False)
        return *to_vectors(to_logits(dweights)), dvalues

    return output, weights, pullback


def products(queries: Array, keys: Array, scale: float = 1.0) -> tuple[Array, Callable[[Array], tuple[Array, Array]]]:
    """Return the logits ``scale * queries keys^T``, and how their cotangent passes back to queries and keys."""
    group = queries.shape[2] // keys.shape[2]
    scaled = queries * queries.dtype.type(scale)

    def pullback(dlogits: Array) -> tuple[Array, Array]:
        dqueries = _matmul(dlogits, _repeated(keys, group))
        dqueries *= queries.dtype.type(scale)
        return dqueries, _shared(_matmul(dlogits.mT, scaled), group)

    return scaled @ _repeated(keys, group).mT, pullback


def _group(queries: Array, keys: Array, values: Array) -> int:
    """Return how many heads of queries share one of keys."""
    fits = (
        queries.ndim == keys.ndim == values.ndim == 5
        and queries.shape[:2] == keys.shape[:2] == values.shape[:2]
        and keys.shape[2:4] == values.shape[2:4]
        and queries.shape[4] == keys.shape[4]
        and queries.shape[2] % keys.shape[2] == 0
    )
    if not fits:
        raise ValueError(
            f"expected queries (draws, batch, heads, queries, d_k), keys (draws, batch, heads of keys, keys, d_k) and "
            f"values (draws, batch, heads of keys, keys, d_v), the heads a multiple of the heads of keys; got "
            f"{queries.shape}, {keys.shape} and {values.shape}"
        )
    return int(queries.shape[2] // keys.shape[2])


def _repeated(heads: Array, group: int) -> Array:
    return heads if group == 1 else np.repeat(heads, group, axis=2)


def _shared(heads: Array, group: int) -> Array:
    """Undo `_repeated`, for cotangents: sum over each group."""
    if group == 1:
        return heads
    draws, batch, count, *rest = heads.shape
    total: Array = heads.reshape(draws, batch, count // group, group, *rest).sum(axis=3)
    return total


def _matmul(a: Array, b: Array) -> Array:
    """Multiply, and lay the product out so that `merge` copies nothing."""
    draws, batch, heads, rows, _ = a.shape
    out = np.empty((draws, batch, rows, heads, b.shape[-1]), a.dtype).swapaxes(2, 3)
    return np.matmul(a, b, out=out)
