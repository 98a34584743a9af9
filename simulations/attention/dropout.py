"""Dropout for sequences: what is kept is drawn before a step, for every entry, and found among the parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulations.attention.layer import Attention
from simulations.layers.dense import Layer, Parameterless, Parameters, Pullback
from simulations.layers.network import Residual, Sequential
from simulations.numbers.arrays import Array
from simulations.weights.kinds import AnyParameters, entries_of


@dataclass(frozen=True)
class RowDropout(Parameterless):
    """Multiply each entry of rows (draws, rows, features) by what `keep_masks` drew; without that, by 1."""

    name: str
    features: int
    keep: float

    def __post_init__(self) -> None:
        if not 0 < self.keep <= 1:
            raise ValueError(f"keep of layer {self.name!r} must be above 0 and at most 1, got {self.keep}")

    @property
    def kept(self) -> str:
        """The name of the factors, 0 or 1 / keep."""
        return f"{self.name}.kept"

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Multiply by the factors, if there are any."""
        if self.kept not in parameters:
            return x, lambda dy, into: dy
        factors = entries_of(parameters, self.kept, x)
        return x * factors, lambda dy, into: dy * factors

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Keep the degree: given factors are linear."""
        return incoming


def keep_masks(
    network: Layer,
    rng: np.random.Generator,
    batch: int,
    queries: int,
    keys: int,
    *,
    draws: int = 1,
    single: bool = False,
) -> Parameters:
    """Draw what dropout keeps in one step, by name, for inputs of so many positions and a memory of `keys`.

    Returns
    -------
    dict of arrays
        Factors 0 or 1 / keep, float32 if `single`; nothing for layers that keep all.
    """
    kept: Parameters = {}
    for layer in _parts(network):
        match layer:
            case RowDropout():
                shape: tuple[int, ...] = (draws, batch * queries, layer.features)
            case Attention():
                shape = (draws, batch, layer.heads, queries, keys if layer.memory else queries)
            case _:
                continue
        if layer.keep < 1:
            factor = np.float32(1 / layer.keep) if single else 1 / layer.keep
            kept[layer.kept] = np.multiply(rng.random(shape, np.float32) < layer.keep, factor)
    return kept


def _parts(layer: Layer) -> Iterator[Layer]:
    """Yield the layers inside networks, sequences and branches, in order."""
    match layer:
        case Sequential():
            for part in layer.layers:
                yield from _parts(part)
        case Residual():
            yield from _parts(layer.branch)
            yield from _parts(layer.shortcut)
        case _:
            yield layer
