"""A dense layer together with the scalars next to it, which ``compiled.py`` runs as one, to keep fewer arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from simulations.layers.dense import Dense, Layer
from simulations.layers.scalars import ScalarBias, ScalarMultiplier


@dataclass(frozen=True)
class Affine:
    """``a ((x + b) W)`` or ``(x + b) W + c``: a scalar bias b may come before, a scalar multiplier a behind."""

    dense: Dense
    shift: ScalarBias | None = None
    factor: ScalarMultiplier | None = None


def grouped(layers: Sequence[Layer]) -> Iterator[Layer | Affine]:
    """Yield the layers in order, each dense one as an `Affine` with what stands next to it."""
    position = 0
    while position < len(layers):
        here = layers[position]
        shift = here if type(here) is ScalarBias else None
        dense = layers[position + 1] if shift and position + 1 < len(layers) else here
        if type(dense) is not Dense:
            yield here
            position += 1
            continue
        position += 2 if shift else 1
        behind = layers[position] if position < len(layers) and dense.bias_deviation is None else None
        factor = behind if type(behind) is ScalarMultiplier else None
        position += 1 if factor else 0
        yield Affine(dense, shift, factor)
