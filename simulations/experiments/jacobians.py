"""Jacobians of plain nets at one input: rows by passing a cotangent back, columns by pushing a tangent forwards."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from simulations.layers.network import Network
from simulations.measure import batches
from simulations.networks.mlp import mlp
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import Initialiser


def first_rows(network: Network, inputs: Array, *, draws: int, rng: np.random.Generator) -> Array:
    """Return the gradient of the first output at a row of `inputs` chosen at random, (draws, features)."""
    parts = []
    for count in batches(network, draws):
        x = inputs[rng.integers(len(inputs), size=count)][:, None, :]
        run = network.run(network.draw(rng, count), x)
        cotangent = np.zeros_like(run.output)
        cotangent[..., 0] = 1
        parts.append(run.backward(cotangent)[0][:, 0])
    return np.concatenate(parts)


def pushed_tangents(
    widths: Sequence[int],
    inputs: Array,
    *,
    init: Initialiser,
    draws: int,
    rng: np.random.Generator,
    masks_of: float = 1.0,
) -> tuple[Array, Array]:
    """Push the first unit vector through ReLU layers at random rows x of `inputs`.

    Parameters
    ----------
    masks_of : float
        The tangent passes the masks of the net at ``masks_of * x``; with -1 those of another input.

    Returns
    -------
    tuple
        Squared norms of the tangent at every depth, (draws, layers + 1), and the number of units active at x in every
        layer, (draws, layers).
    """
    norms, active = [], []
    for count in batches(mlp(widths, init=init), draws):
        x = inputs[rng.integers(len(inputs), size=count)][:, None, :]
        other, tangent = masks_of * x, np.zeros_like(x)
        tangent[..., 0] = 1
        squares, counts = [np.ones(count)], []
        for fan_in, fan_out in pairwise(widths):
            weights = init.draw(rng, count, fan_in, fan_out)
            x, other = np.maximum(x @ weights, 0), other @ weights
            tangent = (tangent @ weights) * (other > 0)
            other = np.maximum(other, 0)
            squares.append((tangent**2).sum(axis=(1, 2)))
            counts.append((x > 0).sum(axis=(1, 2)))
        norms.append(np.stack(squares, axis=1))
        active.append(np.stack(counts, axis=1))
    return np.concatenate(norms), np.concatenate(active)
