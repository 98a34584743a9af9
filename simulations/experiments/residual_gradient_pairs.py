"""Gradients of one residual ReLU net at two inputs, its branches scaled, with its own masks or independent coins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulations.experiments.gradient_pairs import ENTRIES_AT_ONCE, Masks
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import rademacher
from simulations.weights.undrawn import Undrawn


def residual_gradient_pairs(
    branches: Sequence[float], pairs: Array, *, draws: int, rng: np.random.Generator, masks: Masks = "own"
) -> tuple[Array, Array]:
    """Pass one cotangent of norm 1 back through blocks x + a W2 D W1 x, "He then LeCun", at two inputs.

    Parameters
    ----------
    branches : sequence of float
        a^2 of each block, from the input up: the mean square of its branch over that of what it is given.
    pairs : array (samples, 2, features)
        Of which each draw has one, chosen at random.
    masks : str
        D is the net's "own", those of a ReLU, or "coins" thrown anew for every unit and input.

    Returns
    -------
    gradients, states : arrays (draws, 2, features)
        At the inputs, and above the last block.

    Raises
    ------
    ValueError
        If there are no draws or pairs, or a branch is not a positive finite number.
    """
    if draws < 1 or pairs.ndim != 3 or pairs.shape[1] != 2 or pairs.size == 0:
        raise ValueError(f"expected draws and pairs (samples, 2, features), got {draws} and {pairs.shape}")
    if not len(branches) or not all(0 < branch < np.inf for branch in branches):
        raise ValueError(f"branches are {branches}; expected at least one, all positive and finite")
    width = pairs.shape[2]
    at_once, gradients, states = max(1, ENTRIES_AT_ONCE // width), [], []
    for start in range(0, draws, at_once):
        x = pairs[rng.integers(len(pairs), size=min(at_once, draws - start))]
        blocks: list[tuple[Undrawn, NDArray[np.bool_], Undrawn, float]] = []
        for branch in branches:
            first, last = (Undrawn(rng, len(x), width, width, (gain / width) ** 0.5) for gain in (2, 1))
            y = x @ first
            mask = y > 0 if masks == "own" else rng.random(y.shape) < 0.5
            blocks.append((first, mask, last, branch**0.5))
            x = x + branch**0.5 * ((y * mask) @ last)
        v = np.repeat(rademacher(rng, (len(x), 1, width)) / width**0.5, 2, axis=1)
        for first, mask, last, scale in reversed(blocks):
            v = v + scale * (((v @ last.mT) * mask) @ first.mT)
        gradients.append(v)
        states.append(x)
    return np.concatenate(gradients), np.concatenate(states)
