"""How often the units of a ReLU net switch around a circle of inputs: counted, not sampled on a grid."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simulations.numbers.arrays import Array

NEAR = 1e-9
"""A pre-activation so near 0 at the end of an arc, relative to its amplitude, is 0 there and was counted before."""


def kinks(
    widths: Sequence[int], circles: Array, *, draws: int, rng: np.random.Generator, slope: float = 0.0
) -> NDArray[np.int64]:
    """Count the angles at which units of each layer change sign around x cos(phi) + y sin(phi), 0 <= phi < 2 pi.

    Between the switches of the layers below a pre-activation is a cos(phi) + b sin(phi), so that its zeros are known.
    Weights are standard normal: their variance does not matter.

    Parameters
    ----------
    widths : sequence of int
        The width of the input, then that of each layer.
    circles : array (samples, 2, features)
        Pairs x, y, of which each draw has one, chosen at random.
    slope : float
        Of units that are not active.

    Returns
    -------
    array (draws, layers)
        Switches of all units of a layer together.

    Raises
    ------
    ValueError
        If the pairs do not have the shape that `widths` asks for, or there are no draws.
    """
    if draws < 1 or circles.ndim != 3 or len(circles) == 0 or circles.shape[1:] != (2, widths[0]):
        raise ValueError(f"expected draws and circles (samples, 2, {widths[0]}), got {draws} and {circles.shape}")
    axes = circles[rng.integers(len(circles), size=draws)]
    weights = [rng.standard_normal((draws, fan_in, fan_out)) for fan_in, fan_out in pairwise(widths)]
    breaks, counts = np.tile([0.0, 2 * np.pi / 3, 4 * np.pi / 3], (draws, 1)), []
    for layer in range(len(weights)):
        ends = np.concatenate([breaks, breaks[:, :1] + 2 * np.pi], axis=1)
        middles = (ends[:, 1:] + ends[:, :-1]) / 2
        waves = _waves(weights[: layer + 1], axes, middles, slope)
        left, right = (_at(waves, angles) for angles in (ends[:, :-1], ends[:, 1:]))
        amplitude = np.hypot(waves[:, :, 0], waves[:, :, 1])
        crossed = (left * right < 0) & (np.minimum(np.abs(left), np.abs(right)) > NEAR * amplitude)
        counts.append(crossed.sum(axis=(1, 2)))
        zeros = np.arctan2(-waves[:, :, 0], waves[:, :, 1])
        nearest = middles[..., None] + (zeros - middles[..., None] + np.pi / 2) % np.pi - np.pi / 2
        added = np.where(crossed, nearest, ends[:, :-1, None]).reshape(draws, -1)
        breaks = np.sort(np.concatenate([breaks, added], axis=1), axis=1)
    return np.stack(counts, axis=1)


def _waves(weights: Sequence[Array], axes: Array, angles: Array, slope: float) -> Array:
    """Return the a and b of the last pre-activations on the arcs with these middles, (draws, arcs, 2, units)."""
    waves = np.broadcast_to(axes[:, None], (*angles.shape, *axes.shape[1:])) @ weights[0][:, None]
    for matrix in weights[1:]:
        kept = np.where(_at(waves, angles) > 0, 1.0, slope)
        waves = (waves * kept[:, :, None]) @ matrix[:, None]
    return waves


def _at(waves: Array, angles: Array) -> Array:
    """Return pre-activations at one angle an arc, (draws, arcs, units)."""
    values: Array = waves[:, :, 0] * np.cos(angles)[..., None] + waves[:, :, 1] * np.sin(angles)[..., None]
    return values
