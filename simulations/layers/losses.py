"""Softmax cross-entropy from logits, with the entropy of the prediction and bounds on the rounding of all three."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.numbers.arrays import Array

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class SoftmaxLoss:
    """Losses, entropies (nats) and predictions of a batch of logits; arrays (..., batch) and (..., batch, classes)."""

    loss: Array
    entropy: Array
    prediction: Array
    logit_gradient: Array
    rounding: Array
    """Bound on the rounding error of ``(p - y) . z - (loss - entropy)``, per sample."""


def softmax_loss(logits: Array, targets: Array) -> SoftmaxLoss:
    """Compute ``-sum y log p`` and ``-sum p log p``, ``p = softmax(z)``, without overflow for any finite logits.

    Parameters
    ----------
    logits : array (..., batch, classes)
    targets : array (..., batch, classes)
        Rows that sum to 1: one-hot or soft labels.

    Raises
    ------
    ValueError
        If the shapes do not fit or a row of targets does not sum to 1.
    """
    if logits.shape[-1] != targets.shape[-1]:
        raise ValueError(f"{logits.shape[-1]} logits but {targets.shape[-1]} targets a sample")
    if not np.allclose(targets.sum(-1), 1, rtol=0, atol=1e-12):
        raise ValueError("each row of targets must sum to 1")
    largest = logits.max(axis=-1, keepdims=True)
    shifted = logits - largest
    exponentials = np.exp(shifted)
    total = exponentials.sum(axis=-1, keepdims=True)
    log_total = np.log(total)
    prediction = exponentials / total
    loss = (log_total[..., 0] * targets.sum(-1)) - (targets * shifted).sum(-1)
    entropy = log_total[..., 0] - (prediction * shifted).sum(-1)
    # Each product and sum over c classes rounds at most c + 4 times; p and its sum inherit the error of exp and of the
    # shift.
    size = np.abs(logits).max(axis=-1) + np.abs((prediction + np.abs(targets)) * shifted).sum(-1) + log_total[..., 0]
    rounding = 4 * (logits.shape[-1] + 4) * EPS * size
    return SoftmaxLoss(loss, entropy, prediction, prediction - targets, rounding)


def one_hot(labels: NDArray[np.int64], classes: int) -> Array:
    """Return integer labels (...) as one-hot rows (..., classes).

    Raises
    ------
    ValueError
        If a label is no whole number from 0 to ``classes - 1``.
    """
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu" or (labels.size and not 0 <= labels.min() <= labels.max() < classes):
        seen = f"{labels.min()} to {labels.max()}" if labels.size and labels.dtype.kind in "iuf" else f"{labels.dtype}"
        raise ValueError(f"expected whole labels from 0 to {classes - 1}, got {seen} of type {labels.dtype}")
    rows = np.zeros((*labels.shape, classes))
    np.put_along_axis(rows, labels[..., None], 1.0, axis=-1)
    return rows
