"""What all architectures are built from: the layers of a branch, and a chain of blocks between two ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from numbers import Integral

from simulations.layers.dense import Dense, Layer, LeakyReLU
from simulations.layers.network import Network
from simulations.weights.initialisers import Initialiser

RELU = LeakyReLU()


def branch(
    block: int,
    widths: Sequence[int],
    init: Initialiser,
    last: Initialiser,
    *,
    activation: Layer = RELU,
    first: bool = False,
    bias_deviation: float | None = None,
) -> tuple[Layer, ...]:
    """Return the dense layers of a branch, named ``block3.layer0`` and so on, with activations between them.

    Parameters
    ----------
    widths : sequence of int
        Of the input and of every layer.
    init, last : Initialiser
        Of all layers but the last, and of the last.
    first : bool
        Put an activation before the first layer, too, where a branch of one layer has it always.
    """
    parts: list[Layer] = []
    for position, (fan_in, fan_out) in enumerate(pairwise(widths)):
        ends = position == len(widths) - 2
        parts += [activation] if position or first or ends else []
        parts.append(Dense(f"block{block}.layer{position}", fan_in, fan_out, last if ends else init, bias_deviation))
    return tuple(parts)


def chain(blocks: Iterable[Layer], *, stem: Layer | None = None, readout: Layer | None = None) -> Network:
    """Put a first layer before the blocks and a last one behind them, if there are any."""
    return Network(tuple(part for part in (stem, *blocks, readout) if part is not None))


def at_least(least: int, **numbers: int) -> None:
    """Raise ValueError, which names the number, if one is below `least` or no whole number."""
    for name, number in numbers.items():
        if not isinstance(number, Integral):
            raise ValueError(f"{name} must be a whole number, got {number!r}")
        if number < least:
            raise ValueError(f"{name} must be at least {least}, got {number}")
