"""The variance of a unit over the weights at a fixed input: the second moment less the square of the mean.

||E x_l||^2 is followed through the network beside E||x_l||^2: a layer whose output has mean 0 makes it 0, a residual
block of mean 0 keeps it, and a ReLU layer makes it a share of the mean square, 1/pi, where pre-activations are normal
over all weights: behind the first layer, and in wide ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from profiles.chain import Chain, log2_mean
from profiles.step import Reading, Step
from simulations.numbers.arrays import Array


def variances(forward: Chain, steps: Sequence[Step]) -> tuple[Array, tuple[Reading, ...]]:
    """Return log2 of the closed form at every position, summed over units, and what kind it is.

    NaN where there is none, -inf for 0.
    """
    positions = forward.levels.shape[1]
    found, readings = np.full(positions, np.nan), list[Reading](["none"] * positions)
    squared_mean: Array | None = np.exp2(np.zeros(len(forward.levels)))  # over ||x_l||^2, draw by draw
    exact, fixed = True, True
    found[0] = -np.inf
    for place, step in enumerate(steps, 1):
        alive = np.isfinite(forward.levels[:, place])
        grown = np.zeros(len(alive))  # of a state that is zero all shares are of nothing
        grown[alive] = forward.levels[alive, place] - forward.levels[alive, place - 1]
        if forward.readings[place] == "none" or (step.mean_share is None and step.keeps is None):
            squared_mean = None
        elif step.mean_share is not None:
            squared_mean = np.full(len(grown), step.mean_share)
            exact = step.mean_share == 0 or (fixed and step.normal)
        elif squared_mean is not None and step.keeps is not None:
            squared_mean = squared_mean * step.keeps * np.exp2(-grown)
        fixed = fixed and step.apart == (1.0, 0.0, 0.0)
        if squared_mean is None:
            continue
        with np.errstate(divide="ignore"):
            shares = np.log2(np.maximum(1 - squared_mean, 0.0))
        found[place] = log2_mean((forward.levels[:, place] + shares)[:, None])[0]
        readings[place] = "exact" if exact and forward.readings[place] == "exact" else "wide limit"
    return found, tuple(readings)
