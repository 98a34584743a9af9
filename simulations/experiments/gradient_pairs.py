"""Gradients of one ReLU net at two inputs, with the net's own masks or others, over weights that are never drawn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from simulations.numbers.arrays import Array
from simulations.weights.initialisers import gaussian
from simulations.weights.undrawn import Undrawn

Masks = Literal["own", "coins"]
ENTRIES_AT_ONCE = 1 << 16
"""Units times draws at a time, so that states stay in a core's cache."""


def gradient_pairs(
    widths: Sequence[int], pairs: Array, *, draws: int, rng: np.random.Generator, masks: Masks = "own"
) -> Array:
    """Pass one normal cotangent of mean square norm 1 back through a He-initialised ReLU net at two inputs.

    Parameters
    ----------
    widths : sequence of int
        The width of the input, then that of each layer.
    pairs : array (samples, 2, features)
        Of which each draw has one, chosen at random.
    masks : str
        The net's "own", or "coins" thrown anew for every unit and input.

    Returns
    -------
    array (draws, 2, features)
        The gradients at the two inputs.

    Raises
    ------
    ValueError
        If the pairs do not have the shape that `widths` asks for, or there are no draws.
    """
    if draws < 1 or pairs.ndim != 3 or len(pairs) == 0 or pairs.shape[1:] != (2, widths[0]):
        raise ValueError(f"expected draws and pairs (samples, 2, {widths[0]}), got {draws} and {pairs.shape}")
    at_once, parts = max(1, ENTRIES_AT_ONCE // max(widths)), []
    for start in range(0, draws, at_once):
        x = pairs[rng.integers(len(pairs), size=min(at_once, draws - start))]
        layers: list[tuple[Undrawn, NDArray[np.bool_]]] = []
        for fan_in, fan_out in pairwise(widths):
            weights = Undrawn(rng, len(x), fan_in, fan_out, (2 / fan_in) ** 0.5)
            y = x @ weights
            mask = y > 0 if masks == "own" else rng.random(y.shape) < 0.5
            layers.append((weights, mask))
            x = y * mask
        cotangent = np.repeat(gaussian(rng, (len(x), 1, widths[-1])) / widths[-1] ** 0.5, 2, axis=1)
        for weights, mask in reversed(layers):
            cotangent = (cotangent * mask) @ weights.mT
        parts.append(cotangent)
    return np.concatenate(parts)
