"""Looks-linear initialisation: concatenated rectifiers, and weights whose lower half mirrors the upper one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulations.layers.dense import Dense, Gradients, Pullback
from simulations.layers.network import Network, Sequential
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import Initialiser, Law
from simulations.weights.kinds import AnyParameters, KindOf, W
from simulations.weights.orthogonal import haar


@dataclass(frozen=True)
class CReLU:
    """``(relu(x), relu(-x))``: twice the features, nothing lost (Shang et al. 2016); both derivatives at 0 are 0."""

    def draw(self, rng: np.random.Generator, draws: int, kind: KindOf[W] | None = None) -> dict[str, Array | W]:
        """Draw nothing."""
        return {}

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Put the positive and the negative parts side by side."""
        features = x.shape[-1]

        def pullback(dy: Array, into: Gradients | None) -> Array:
            return dy[..., :features] * (x > 0) - dy[..., features:] * (x < 0)

        return np.concatenate([np.maximum(x, 0), np.maximum(-x, 0)], axis=-1), pullback

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Keep the degree: the activation is positively homogeneous of degree 1."""
        return incoming

    def weights(self) -> Iterator[Dense]:
        """Yield nothing."""
        return iter(())


def mirrored(law: Law, factor: float = -1.0) -> Law:
    """Draw the first half of the rows from `law`; the second half is `factor` times the first."""

    def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        draws, rows, columns = shape
        half = law(rng, (draws, rows // 2, columns))
        return np.concatenate([half, factor * half], axis=1)

    return draw


def looks_linear(width: int, layers: int, factor: float = -1.0) -> Network:
    """Build an orthogonal layer and `layers` more, each ``CReLU(x) @ [W; factor W]`` with its own orthogonal W."""

    def variance(fan_in: int, fan_out: int) -> float:
        return 1 / fan_out

    first = Dense("layer0", width, width, Initialiser(variance, haar))
    halves = Initialiser(variance, mirrored(haar, factor))
    blocks = [Sequential((CReLU(), Dense(f"layer{i}", 2 * width, width, halves))) for i in range(1, layers + 1)]
    return Network((first, *blocks))
