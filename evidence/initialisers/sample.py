"""Arrays of an initialiser, drawn one by one, checked, and laid out as matrices (draws, inputs, outputs)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evidence.arrays import Array
from evidence.initialisers.stated import Stated


@dataclass(frozen=True, eq=False)
class Sample:
    """What was drawn, in units of the stated deviation, and how finely its numbers are spaced."""

    weights: Array
    """(draws, inputs, outputs)"""
    spacing: float
    """Of the numbers about 1, in the precision that was drawn."""


def one(drawn: ArrayLike, stated: Stated) -> np.ndarray:
    """Return a copy of one array, as the sampler may fill the same again.

    Raises
    ------
    ValueError
        If its shape is another than stated, or it has numbers that are not real and finite.
    """
    try:
        found = np.array(drawn)
    except (ValueError, TypeError, RuntimeError) as error:  # ragged lists; tensors that want to be detached first
        raise ValueError(f"the sampler returned what is no array of numbers ({error})") from None
    if found.shape != stated.sides:
        other = "out_in" if stated.layout == "in_out" else "in_out"
        hint = f"; pass layout={other!r} if that is meant" if found.shape == stated.sides[::-1] else ""
        if not hint and found.ndim != 2 and stated.shape is None:
            hint = f"; pass shape={found.shape} if that is meant: the fans are then as you state them"
        raise ValueError(
            f"the sampler returned shape {found.shape}; layout {stated.layout!r} expects {stated.sides}{hint}"
        )
    if found.dtype.kind not in "fiu" or not np.isfinite(found).all():
        raise ValueError(f"the sampler returned entries that are not real finite numbers (type {found.dtype})")
    return found


def sample(arrays: Sequence[np.ndarray], stated: Stated) -> Sample:
    """Lay arrays out as matrices, divided by the stated deviation where it is not 0."""
    spacing = max(float(np.finfo(one.dtype).eps) if one.dtype.kind == "f" else 0.0 for one in arrays)
    stack = np.stack(arrays).astype(np.float64)
    if stated.layout == "out_in":
        stack = np.moveaxis(stack, 1, -1)
    weights: Array = stack.reshape(len(arrays), stated.inputs, stated.outputs)
    deviation = stated.claimed**0.5
    return Sample(weights / deviation if deviation else weights, max(spacing, float(np.finfo(np.float64).eps)))
