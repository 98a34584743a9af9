"""Layers with one trainable number: a bias added to all features, and a multiplier of all features (and positions).

And multipliers of rows with one number for each feature, as LayerScale has them (Touvron et al. 2021).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulations.layers.dense import Dense, Gradients, Pullback
from simulations.numbers.arrays import Array
from simulations.weights.kinds import AnyParameters, KindOf, Outer, W, collect, entries_of


@dataclass(frozen=True)
class Scalar:
    """What both have: a parameter of shape (draws, 1, 1) that starts at `value` in every draw."""

    name: str
    value: float

    def draw(self, rng: np.random.Generator, draws: int, kind: KindOf[W] | None = None) -> dict[str, Array | W]:
        """Return the start value; nothing is drawn."""
        return {self.name: np.full((draws, 1, 1), self.value)}

    def weights(self) -> Iterator[Dense]:
        """Yield nothing."""
        return iter(())

    def _scalar(self, parameters: AnyParameters, x: Array) -> Array:
        """Return the parameter with as many axes as `x`: features or images."""
        scalar = entries_of(parameters, self.name, x)
        return scalar.reshape(len(scalar), *[1] * (x.ndim - 1))


def _gradient(products: Array) -> Outer:
    total = products.sum(axis=tuple(range(1, products.ndim))).reshape(-1, 1, 1)
    return Outer(total, np.ones_like(total))


@dataclass(frozen=True)
class ScalarBias(Scalar):
    """``x + b`` with one b for all features."""

    value: float = 0.0

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Add the scalar; its gradient is the cotangent summed over all but the draws."""

        def pullback(dy: Array, into: Gradients | None) -> Array:
            if into is not None:
                collect(into, self.name, _gradient(dy))
            return dy

        return x + self._scalar(parameters, x), pullback

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Keep a degree that the scalar has too: 1 if it is scaled, else 0."""
        return incoming if incoming == (self.name in scaled) else None


@dataclass(frozen=True)
class ScalarMultiplier(Scalar):
    """``a * x`` with one a for all features."""

    value: float = 1.0

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Multiply by the scalar; its gradient is the inner product of input and cotangent."""
        factor = self._scalar(parameters, x)

        def pullback(dy: Array, into: Gradients | None) -> Array:
            if into is not None:
                collect(into, self.name, _gradient(x * dy))
            return factor * dy

        return factor * x, pullback

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Add one if the scalar is scaled."""
        return None if incoming is None else incoming + (self.name in scaled)


@dataclass(frozen=True)
class FeatureMultiplier(ScalarMultiplier):
    """``a * x`` for rows (draws, batch, features), with an a for each feature that starts at `value`."""

    features: int = 1

    def draw(self, rng: np.random.Generator, draws: int, kind: KindOf[W] | None = None) -> dict[str, Array | W]:
        """Return the start values, (draws, 1, features); nothing is drawn."""
        return {self.name: np.full((draws, 1, self.features), self.value)}

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Multiply each feature; ValueError if `x` is not (draws, batch, features)."""
        if x.ndim != 3 or x.shape[2] != self.features:
            raise ValueError(f"multiplier {self.name!r} expects (draws, batch, {self.features}), got shape {x.shape}")
        factor = entries_of(parameters, self.name, x)

        def pullback(dy: Array, into: Gradients | None) -> Array:
            if into is not None:
                collect(into, self.name, Outer(np.ones((*x.shape[:2], 1), x.dtype), x * dy))
            return factor * dy

        return factor * x, pullback
