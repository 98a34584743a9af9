"""What the rivals in ``rivals.py`` are built from: sizes, the layers of a branch, and what surrounds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulations.layers.dense import Dense, Layer
from simulations.layers.network import Network
from simulations.networks.mlp import RELU
from simulations.weights.initialisers import Initialiser, he, lecun


@dataclass(frozen=True)
class Sizes:
    """The sizes that all rivals share, and whether a classifier may start at zero where a scheme asks for it."""

    width: int
    blocks: int
    layers_per_branch: int
    features: int
    classes: int
    zero_readout: bool = True


Builder = Callable[[Sizes], Network]


def layers(
    sizes: Sizes, block: int, init: Initialiser = he, last: Initialiser = lecun, first: bool = False
) -> tuple[Layer, ...]:
    """Return the layers of a branch: ReLUs between linear layers, and with `first` (or one layer) before them too."""
    parts: list[Layer] = []
    for position in range(sizes.layers_per_branch):
        ends = position == sizes.layers_per_branch - 1
        parts += [RELU] if position or first or sizes.layers_per_branch == 1 else []
        parts.append(Dense(f"block{block}.layer{position}", sizes.width, sizes.width, last if ends else init))
    return tuple(parts)


def network(sizes: Sizes, blocks: Callable[[int], Layer]) -> Network:
    """Put the first layer before the blocks and the classifier behind them."""
    stem = Dense("stem", sizes.features, sizes.width, lecun)
    readout = Dense("readout", sizes.width, sizes.classes, lecun)
    return Network((stem, *(blocks(block) for block in range(sizes.blocks)), readout))
