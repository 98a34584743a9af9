"""What a measurement costs: how many draws it may take, and which matrices stay undrawn."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simulations import Network
from simulations.engines.choice import DEARER, automatic, pays
from simulations.layers.convolution import Convolution
from simulations.layers.dense import Dense
from simulations.layers.network import Residual, Sequential
from simulations.weights.initialisers import gaussian
from simulations.weights.kinds import Kind, drawn

MOST_DRAWS, LEAST_DRAWS = 12_000, 128
WORK = 50_000_000
"""Random numbers that a measurement takes at most, unless that leaves fewer than the least number of draws."""


DRAWN: Kind = drawn(np.float64)
"""Weights that exist as arrays."""


def shares(total: int, at_once: int) -> Iterator[int]:
    """Yield numbers of at most `at_once` that sum to `total`."""
    for start in range(0, total, at_once):
        yield min(at_once, total - start)


def kind_of(network: Network) -> Kind:
    """Leave matrices undrawn where one input pays for it; a convolution meets as many as there are windows."""
    return DRAWN if any(isinstance(part, Convolution) for part in _all(network)) else automatic()


def _all(layer: object) -> Iterator[object]:
    if isinstance(layer, Sequential):
        for part in layer.layers:
            yield from _all(part)
    elif isinstance(layer, Residual):
        yield from _all(layer.branch)
        yield from _all(layer.shortcut)
    else:
        yield layer


def numbers(network: Network) -> int:
    """Count the random numbers of a draw, undrawn ones at what they cost."""
    return sum(
        DEARER * (one.fan_in + one.fan_out) if stays_undrawn(one) else one.fan_in * one.fan_out
        for one in network.weights()
    )


def stays_undrawn(dense: Dense) -> bool:
    """Say whether a matrix is Gaussian and cheaper undrawn."""
    return dense.init.law is gaussian and pays(1, dense.fan_in, dense.fan_out)


def affordable(network: Network, work: float, least: int = LEAST_DRAWS) -> int:
    """Return how many draws take this many random numbers, within bounds."""
    return int(np.clip(work / max(1, numbers(network)), least, MOST_DRAWS))
