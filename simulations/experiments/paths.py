"""The residual stream of a net taken apart by the number of branches that its paths went through.

At one input every ReLU is its mask, so the state is a sum over paths: through each block by the shortcut or by the
branch. ``u_k`` adds the paths through k branches: u_k' = u_k + J u_{k-1}, with J the branch at the masks of the state.
"""

from __future__ import annotations

import numpy as np

from simulations.layers.dense import Layer, LeakyReLU, Parameters
from simulations.layers.network import Network, Residual, Sequential
from simulations.numbers.arrays import Array


def path_states(network: Network, parameters: Parameters, x: Array) -> Array:
    """Return u_0, ..., u_L after L residual blocks, (draws, L + 1, features); they add up to the output.

    Parameters
    ----------
    network : Network
        Residual blocks with identity shortcuts, whose branches are dense layers without biases and (leaky) ReLUs.
    x : array (draws, 1, features)
        One input a draw.

    Raises
    ------
    ValueError
        If a block is another, a branch does not have degree 1, or there is more than one input.
    """
    if x.ndim != 3 or x.shape[1] != 1:
        raise ValueError(f"expected one input a draw, (draws, 1, features), got shape {x.shape}")
    paths = np.zeros((len(x), len(network.layers) + 1, x.shape[2]))
    paths[:, :1] = x
    for place, block in enumerate(network.layers):
        if (
            not isinstance(block, Residual)
            or block.shortcut != Sequential(())
            or not isinstance(block.branch, Sequential)
        ):
            raise ValueError(f"block {place} is not a residual block with an identity shortcut: {block}")
        if block.degree(1, frozenset()) != 1:
            raise ValueError(f"the branch of block {place} is not positively homogeneous of degree 1: paths do not add")
        branch = _at_masks(block.branch.layers, parameters, x, paths)
        x, _ = block.forward(parameters, x)
        paths[:, 1:] += branch[:, :-1]
    return paths


def _at_masks(layers: tuple[Layer, ...], parameters: Parameters, x: Array, paths: Array) -> Array:
    """Pass `paths` through layers whose activations are masked as at `x`."""
    for layer in layers:
        y, pullback = layer.forward(parameters, x)
        # A mask is its own transpose.
        paths = pullback(paths, None) if isinstance(layer, LeakyReLU) else layer.forward(parameters, paths)[0]
        x = y
    return paths
