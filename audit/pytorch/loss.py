"""A loss of the user's choice on the model's first output, and what of it is kept: a row a seed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from audit.measured import Measured
from audit.pytorch.watch import leaves
from audit.statement import AuditError

LOSSES = ("cross_entropy", "mse")


def checked(loss: str | None, targets: Any) -> Any:
    """Return targets as a tensor, or None; raise AuditError if a loss, or targets, make no sense."""
    if loss is not None and loss not in LOSSES:
        raise AuditError(f"no loss is called {loss!r}; expected one of {', '.join(LOSSES)}")
    if targets is None:
        return None
    if loss is None:
        raise AuditError("targets go with a loss; expected one of cross_entropy, mse")
    array = np.asarray(targets)
    kinds = "iu" if loss == "cross_entropy" else "fiu"
    if array.dtype.kind not in kinds or not np.isfinite(array).all() or not array.size:
        wanted = "whole numbers, a class a row" if loss == "cross_entropy" else "finite numbers"
        raise AuditError(f"targets have shape {array.shape} and type {array.dtype}; expected {wanted}")
    return torch.as_tensor(array, dtype=torch.int64 if loss == "cross_entropy" else torch.float32)


def lost(output: Any, loss: str, targets: Any, fed: Any, found: Measured, seed: int) -> torch.Tensor:
    """Return the loss, to be differentiated, and keep its parts."""
    first = first_output(output)
    return _squares(first, targets, found, seed) if loss == "mse" else _entropy(first, targets, fed, found, seed)


def first_output(output: Any) -> torch.Tensor:
    """Return the logits, or else the first floating output."""
    chosen = output["logits"] if isinstance(output, Mapping) and "logits" in output else output
    return next(one for one in leaves(chosen) if one.is_floating_point())


def _squares(y: torch.Tensor, targets: Any, found: Measured, seed: int) -> torch.Tensor:
    wanted = torch.randn(y.shape).to(y.dtype) if targets is None else targets.to(y.dtype)
    if wanted.shape != y.shape:
        raise AuditError(f"targets have shape {tuple(wanted.shape)}; expected that of the output, {tuple(y.shape)}")
    made = (y - wanted).square().mean()
    found.note_loss(
        seed, loss=float(made.detach()), guess=float(wanted.square().mean()), outputs=float(y.detach().square().mean())
    )
    return made


def _entropy(y: torch.Tensor, targets: Any, fed: Any, found: Measured, seed: int) -> torch.Tensor:
    rows = _rows(y, None if targets is None else tuple(targets.shape))
    count, classes = rows.shape
    labels = torch.randint(classes, (count,)) if targets is None else targets.reshape(-1)
    if int(labels.min()) < 0 or int(labels.max()) >= classes:
        raise AuditError(f"targets run from {labels.min()} to {labels.max()}; expected classes from 0 to {classes - 1}")
    made = torch.nn.functional.cross_entropy(rows, labels)
    with torch.no_grad():
        z = rows.double()
        logs = z.log_softmax(dim=1)
        kept = {
            "loss": float(-logs.gather(1, labels[:, None]).mean()),
            "guess": math.log(classes),
            "classes": float(classes),
            "variance": float(z.var(dim=1).mean()),
            "entropy": float(-(logs.exp() * logs).sum(dim=1).mean()),
        }
        if (own := _own(fed, tuple(y.shape), classes)) is not None:
            kept["own"] = float(z.gather(1, own[:, None]).mean())
            others = z.scatter(1, own[:, None], -math.inf).logsumexp(dim=1)
            kept["without own"] = float((others - z.gather(1, labels[:, None])[:, 0]).mean())
    found.note_loss(seed, **kept)
    return made


def _rows(y: torch.Tensor, targets: tuple[int, ...] | None) -> torch.Tensor:
    """Return logits as (rows, classes); classes are the last axis, or the second where targets, or images, say so."""
    axes = [axis for axis in (y.ndim - 1, 1) if 0 < axis < y.ndim]
    if targets is not None:
        axes = [axis for axis in axes if tuple(y.shape[:axis]) + tuple(y.shape[axis + 1 :]) == targets]
    if not axes:
        raise AuditError(f"logits have shape {tuple(y.shape)} and targets {targets}; expected a class for every row")
    axis = 1 if y.ndim > 3 and 1 in axes else axes[0]
    if y.shape[axis] < 2:
        raise AuditError(f"cross_entropy needs at least 2 classes, and the output has shape {tuple(y.shape)}")
    return y.movedim(axis, -1).reshape(-1, y.shape[axis])


def _own(fed: Any, shape: tuple[int, ...], classes: int) -> torch.Tensor | None:
    """Return the token of every row, where inputs are tokens that are laid out as the logits."""
    for one in fed.values() if isinstance(fed, dict) else [fed]:
        fits = one.dtype == torch.int64 and tuple(one.shape) == shape[:-1]
        if fits and int(one.min()) >= 0 and int(one.max()) < classes:
            return one.reshape(-1)
    return None
