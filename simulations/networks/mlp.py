"""The two families of networks that initialisation theory speaks of: plain and residual multilayer perceptrons."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from simulations.layers.dense import Dense, Layer, LeakyReLU
from simulations.layers.network import Network, Residual, Sequential
from simulations.weights.initialisers import Initialiser, he, lecun

RELU = LeakyReLU()


def mlp(
    widths: Sequence[int],
    *,
    init: Initialiser = he,
    activation: Layer | None = RELU,
    classes: int | None = None,
    readout: Initialiser = lecun,
    bias_deviation: float | None = None,
) -> Network:
    """Build a plain network: a block is a dense layer and its activation; with `classes`, a linear readout ends it.

    Parameters
    ----------
    widths : sequence of int
        The width of the input, then that of each hidden layer.
    activation : Layer or None
        None for a deep linear network.
    bias_deviation : float, optional
        Standard deviation of the biases of every layer; None for no biases.

    Raises
    ------
    ValueError
        If a width is below 1 or there is no layer to build.
    """
    if len(widths) + (classes is not None) < 2:
        raise ValueError(f"a plain network needs at least one layer, got widths {list(widths)}")
    blocks: list[Layer] = []
    for depth, (fan_in, fan_out) in enumerate(pairwise(widths)):
        dense = Dense(f"layer{depth}", fan_in, fan_out, init, bias_deviation)
        blocks.append(dense if activation is None else Sequential((dense, activation)))
    if classes is not None:
        blocks.append(Dense("readout", widths[-1], classes, readout, bias_deviation))
    return Network(tuple(blocks))


def residual_mlp(
    width: int,
    blocks: int,
    *,
    hidden: int | None = None,
    layers_per_branch: int = 2,
    init: Initialiser = he,
    last_layer: Initialiser = lecun,
    activation: Layer = RELU,
    stem: int | None = None,
    classes: int | None = None,
    readout: Initialiser = lecun,
    bias_deviation: float | None = None,
    project: bool = False,
) -> Network:
    """Build a residual network ``x + F(x)`` with `layers_per_branch` dense layers a branch, activations between them.

    By default a branch is He layers and a last LeCun layer, so that it preserves the mean square ("He then LeCun"). A
    branch of one layer is that last layer after an activation, ``W activation(x)``.

    Parameters
    ----------
    hidden : int, optional
        Width inside the branch; `width` if not given.
    stem : int, optional
        Number of input features of a first linear layer; without it the input has `width` features.
    project : bool
        Give the first block's shortcut a dense layer of its own, as where a ResNet changes its shape.

    Raises
    ------
    ValueError
        If `blocks`, `layers_per_branch` or a width is below 1.
    """
    for label, count in (("blocks", blocks), ("layers_per_branch", layers_per_branch), ("width", width)):
        if count < 1:
            raise ValueError(f"{label} must be at least 1, got {count}")
    hidden = width if hidden is None else hidden
    sizes = [width, *[hidden] * (layers_per_branch - 1), width]
    chain: list[Layer] = []
    if stem is not None:
        chain.append(Dense("stem", stem, width, lecun, bias_deviation))
    for block in range(blocks):
        branch: list[Layer] = [] if layers_per_branch > 1 else [activation]
        for position, (fan_in, fan_out) in enumerate(pairwise(sizes)):
            last = position == layers_per_branch - 1
            name = f"block{block}.layer{position}"
            branch.append(Dense(name, fan_in, fan_out, last_layer if last else init, bias_deviation))
            branch += [] if last else [activation]
        shortcut = Dense(f"block{block}.shortcut", width, width, lecun, bias_deviation)
        chain.append(Residual(Sequential(tuple(branch)), shortcut if project and block == 0 else Sequential(())))
    if classes is not None:
        chain.append(Dense("readout", width, classes, readout, bias_deviation))
    return Network(tuple(chain))
