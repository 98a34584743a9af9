"""The loss of a sequence model: softmax cross-entropy of the tokens that count, with smoothed labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.numbers.arrays import Array

CHUNK = 64
"""Rows at a time, so that their exponentials stay in a core's cache between the operations."""


@dataclass(frozen=True)
class TokenLoss:
    """The summed loss of tokens (nats), how many of them were right, and the gradient of the loss over `divisor`."""

    total: float
    hits: int
    count: int
    logit_gradient: Array


def token_loss(
    logits: Array, targets: NDArray[Any], ignored: int, *, smoothing: float = 0.0, divisor: float | None = None
) -> TokenLoss:
    """Compute ``-sum_t q_t log softmax(z)_t`` of each row, where q is (1 - smoothing) one-hot + smoothing / tokens.

    Rows whose target is `ignored` (padding) count for nothing: their gradient is 0.

    Parameters
    ----------
    logits : array (draws, rows, tokens)
    targets : array of int (draws, rows), or of any shape with as many entries
    divisor : float, optional
        What the gradient is divided by; if not given, the number of rows that count, as for the gradient of their mean.

    Raises
    ------
    ValueError
        If targets do not fit the logits, none counts, or the smoothing is not in [0, 1).
    """
    if not 0 <= smoothing < 1:
        raise ValueError(f"label smoothing must be at least 0 and below 1, got {smoothing}")
    tokens = logits.shape[-1]
    labels = targets.reshape(-1)
    flat = logits.reshape(-1, tokens)
    if labels.dtype.kind not in "iu" or len(labels) != len(flat):
        raise ValueError(f"expected integers as targets, one a row of {len(flat)}, got {len(labels)} of {labels.dtype}")
    rows = np.flatnonzero(labels != ignored)
    if not len(rows):
        raise ValueError("every target is padding; a loss needs at least one that counts")
    if not 0 <= labels[rows].min() <= labels[rows].max() < tokens:
        raise ValueError(f"targets must be from 0 to {tokens - 1}, got {labels.min()} to {labels.max()}")
    gradient = np.empty_like(flat)
    gradient[labels == ignored] = 0
    factor = flat.dtype.type(1 / (len(rows) if divisor is None else divisor))
    total, hits = 0.0, 0
    for start in range(0, len(rows), CHUNK):
        some = rows[start : start + CHUNK]
        z, own, each = flat[some], labels[some], np.arange(len(some))
        largest = z.max(axis=1, keepdims=True)
        z -= largest
        true = z[each, own]
        hits += int(np.count_nonzero(true == 0))
        even = z.mean(axis=1, dtype=np.float64) if smoothing else 0.0
        p = np.exp(z, out=z)
        sums = p.sum(axis=1)
        total += float((np.log(sums.astype(np.float64)) - (1 - smoothing) * true - smoothing * even).sum())
        p *= (factor / sums)[:, None]
        p -= factor * flat.dtype.type(smoothing / tokens)
        p[each, own] -= factor * flat.dtype.type(1 - smoothing)
        gradient[some] = p
    return TokenLoss(total, hits, len(rows), gradient.reshape(logits.shape))
