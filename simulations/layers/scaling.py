"""A layer that multiplies by a constant, such as the 1 / sqrt(2) after the addition of a residual block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulations.layers.dense import Dense, Parameters, Pullback
from simulations.numbers.arrays import Array
from simulations.weights.kinds import Kind, arrays


@dataclass(frozen=True)
class Scale:
    """``factor * x``."""

    factor: float

    def draw(self, rng: np.random.Generator, draws: int, kind: Kind = arrays) -> Parameters:
        """Draw nothing."""
        return {}

    def forward(self, parameters: Parameters, x: Array) -> tuple[Array, Pullback]:
        """Multiply by the factor."""
        return self.factor * x, lambda dy, into: self.factor * dy

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Keep the degree."""
        return incoming

    def weights(self) -> Iterator[Dense]:
        """Yield nothing."""
        return iter(())
