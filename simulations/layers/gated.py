"""A dense layer times another that gates it, ``(x V) activation(x W)``: SwiGLU with a Swish (Shazeer 2020)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulations.layers.dense import Dense, Gradients, Layer, Pullback
from simulations.layers.network import learnt
from simulations.numbers.arrays import Array
from simulations.weights.kinds import AnyParameters, KindOf, W


@dataclass(frozen=True)
class Gated:
    """``value(x) * activation(gate(x))``, entry by entry."""

    value: Dense
    gate: Dense
    activation: Layer

    def __post_init__(self) -> None:
        if (self.value.fan_in, self.value.fan_out) != (self.gate.fan_in, self.gate.fan_out):
            raise ValueError(f"layers {self.value.name!r} and {self.gate.name!r} of a product must have the same fans")

    def draw(self, rng: np.random.Generator, draws: int, kind: KindOf[W] | None = None) -> dict[str, Array | W]:
        """Draw both layers."""
        return self.value.draw(rng, draws, kind) | self.gate.draw(rng, draws, kind)

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Multiply the two."""
        value, to_value = self.value.forward(parameters, x)
        before, to_gate = self.gate.forward(parameters, x)
        gate, to_activation = self.activation.forward(parameters, before)

        def pullback(dy: Array, into: Gradients | None) -> Array:
            return to_value(dy * gate, into) + to_gate(to_activation(dy * value, into), into)

        return value * gate, pullback

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Add the degrees of both."""
        value = self.value.degree(incoming, scaled)
        gate = self.activation.degree(self.gate.degree(incoming, scaled), scaled)
        return None if value is None or gate is None else value + gate

    def weights(self) -> Iterator[Dense]:
        """Yield both layers."""
        yield from (self.value, self.gate)

    def learnt(self) -> Iterator[str]:
        """Yield the names of both layers' parameters."""
        yield from learnt(self.value)
        yield from learnt(self.gate)
