"""What the rivals in ``rivals.py`` have in common: their sizes, and what surrounds their branches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulations.layers.dense import Dense, Layer
from simulations.layers.network import Network
from simulations.networks.blocks import branch, chain
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
    return branch(block, [sizes.width] * (sizes.layers_per_branch + 1), init, last, first=first)


def network(sizes: Sizes, block: Callable[[int], Layer]) -> Network:
    """Put the first layer before the blocks and the classifier behind them."""
    return chain(
        (block(number) for number in range(sizes.blocks)),
        stem=Dense("stem", sizes.features, sizes.width, lecun),
        readout=Dense("readout", sizes.width, sizes.classes, lecun),
    )
