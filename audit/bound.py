"""Fixup's theorems 1 and 2 on the user's model: a gradient is at least k (l - H) / ||theta||.

l is the cross-entropy and H the entropy of the softmax, each averaged over the rows of the batch; theta is a set of
parameters, or the input, in which the logits are positively homogeneous of degree k. These sets are found by scaling
(`audit.pytorch.scaling`), not assumed. Euler's identity gives <g, theta> = k (l - H), and Cauchy and Schwarz the bound
(`theory.homogeneity.bounds`, which has k = 1). It says nothing where l <= H. A gradient below it is not that of the
loss: something is detached on the way back, or has a backward pass of its own.
"""

from __future__ import annotations

import math

import numpy as np

from audit.measured import Array, Measured
from audit.statement import Statement

ROUNDING = 1e-3
"""By which share a gradient in single precision may fall short."""

LEAST = 1e-6
"""A smaller l - H is rounding."""


def bound(found: Measured) -> list[Statement]:
    """Compare the gradients of the sets that were found with the bound, under every seed."""
    if not found.sets:
        return []
    excess = found.losses["loss"] - found.losses["entropy"]
    ratios: dict[str, Array] = {}
    for name, (keys, degree) in found.sets.items():
        norm, gradient = (np.sqrt(sum(table[key] for key in keys or ("",))) for table in (found.norms, _squares(found)))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios[name] = gradient * norm / (degree * excess)
    useful = excess > LEAST
    short = [name for name, row in ratios.items() if ((row < 1 - ROUNDING) & useful).any()]
    told = f"{len(ratios)} sets in which the logits are positively homogeneous, found by scaling"
    if short:
        words = f"its gradient is below the bound k (l - H) / ||theta|| of Fixup's theorem, in {len(short)} of {told}"
        cause = "the way back is not that of the forward pass: something is detached, or has a gradient of its own"
        return [Statement(kind="bound", where=short[0], verdict="against", words=words, cause=cause, severity=math.inf)]
    empty = f"it is vacuous (l <= H) under {(~useful).sum()} of {useful.size} seeds"
    middle = float(excess.mean())
    if not useful.any():
        words = f"Fixup's bound on gradients, of {told}: {empty}; l - H is {middle:.3g} in mean"
        return [Statement(kind="bound", where=next(iter(ratios)), verdict="note", words=words)]
    tightest = min(ratios, key=lambda name: float(np.median(ratios[name][useful])))
    times = float(np.median(ratios[tightest][useful]))
    words = (
        f"its gradient is {times:.3g} times the bound k (l - H) / ||theta|| of Fixup's theorem, k = "
        f"{found.sets[tightest][1]} and l - H {middle:.3g} in mean: the tightest of {told}; {empty}"
    )
    numbers = {"times the bound": times, "sets": len(ratios), "l - H": middle, "vacuous": float((~useful).mean())}
    return [Statement(kind="bound", where=tightest, verdict="note", words=words, numbers=numbers)]


def _squares(found: Measured) -> dict[str, Array]:
    """Return the square norms of gradients; no gradient is 0."""
    sizes = {"": 1, **found.sizes}
    return {key: np.nan_to_num(row) * sizes[key] for key, row in found.gradients.items()} | {"": found.input_gradient}
