"""A layer that multiplies by a constant, such as the 1 / sqrt(2) after the addition of a residual block."""

from __future__ import annotations

from dataclasses import dataclass

from simulations.layers.dense import Parameterless, Pullback
from simulations.numbers.arrays import Array
from simulations.weights.kinds import AnyParameters


@dataclass(frozen=True)
class Scale(Parameterless):
    """``factor * x``."""

    factor: float

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Multiply by the factor."""
        return self.factor * x, lambda dy, into: self.factor * dy

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Keep the degree."""
        return incoming
