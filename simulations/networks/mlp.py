"""The two families of networks that initialisation theory speaks of: plain and residual multilayer perceptrons."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from simulations.layers.dense import Dense, Layer
from simulations.layers.network import Network, Residual, Sequential
from simulations.networks.blocks import RELU, at_least, branch, chain
from simulations.weights.initialisers import Initialiser, he, lecun


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
    TypeError
        If `widths` is no list, or `init` no initialiser.
    ValueError
        If a width is below 1 or there is no layer to build.
    """
    if isinstance(widths, str) or not isinstance(widths, Sequence | np.ndarray):
        raise TypeError(f"widths must be a list such as [64, 64, 64], got {widths!r}")
    if len(widths) + (classes is not None) < 2:
        raise ValueError(f"a plain network needs at least one layer, got widths {list(widths)}")
    blocks: list[Layer] = []
    for depth, (fan_in, fan_out) in enumerate(pairwise(widths)):
        dense = Dense(f"layer{depth}", fan_in, fan_out, init, bias_deviation)
        blocks.append(dense if activation is None else Sequential((dense, activation)))
    last = None if classes is None else Dense("readout", widths[-1], classes, readout, bias_deviation)
    return chain(blocks, readout=last)


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
    at_least(1, blocks=blocks, layers_per_branch=layers_per_branch, width=width)
    widths = [width, *[width if hidden is None else hidden] * (layers_per_branch - 1), width]

    def block(number: int) -> Layer:
        own = Dense(f"block{number}.shortcut", width, width, lecun, bias_deviation)
        layers = branch(number, widths, init, last_layer, activation=activation, bias_deviation=bias_deviation)
        return Residual(Sequential(layers), own if project and number == 0 else Sequential(()))

    return chain(
        (block(number) for number in range(blocks)),
        stem=None if stem is None else Dense("stem", stem, width, lecun, bias_deviation),
        readout=None if classes is None else Dense("readout", width, classes, readout, bias_deviation),
    )
