"""Smooth activations, ReLU6 and dropout, entry by entry, the masks drawn with the weights.

Sigmoid, GELU, Swish (SiLU), Mish, SELU (ELU), softplus and sine. None but dropout is positively homogeneous: a constant
stays constant, anything else loses its degree.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulations.layers.dense import Dense, Gradients, Parameterless, Pullback
from simulations.numbers.arrays import Array
from simulations.weights.kinds import AnyParameters, KindOf, W, entries_of


@dataclass(frozen=True)
class _NoDegree(Parameterless):
    """Activations without parameters and without a degree."""

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Keep a constant constant; anything else loses its degree."""
        return 0 if incoming == 0 else None


@dataclass(frozen=True)
class Sigmoid(_NoDegree):
    """The logistic function 1 / (1 + exp(-x)), without overflow."""

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Apply the activation entry by entry."""
        y = (1 + np.tanh(x / 2)) / 2
        return y, lambda dy, into: dy * y * (1 - y)


@dataclass(frozen=True)
class GELU(_NoDegree):
    """``x`` times the standard normal distribution function (Hendrycks and Gimpel 2016), not its tanh approximation."""

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Apply the activation entry by entry."""
        error_function = np.fromiter(map(math.erf, (x / math.sqrt(2)).ravel().tolist()), np.float64, x.size)
        below = (1 + error_function.reshape(x.shape)) / 2

        def pullback(dy: Array, into: Gradients | None) -> Array:
            return dy * (below + x * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi))

        return x * below, pullback


@dataclass(frozen=True)
class SELU(_NoDegree):
    """``scale * x`` where positive, else ``scale * alpha * (exp(x) - 1)``; the constants printed by Klambauer 2017.

    With both constants 1 it is ELU.
    """

    alpha: float = 1.6732632423543772
    scale: float = 1.0507009873554805

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Apply the activation entry by entry."""
        negative = self.alpha * np.expm1(np.minimum(x, 0))
        slopes = self.scale * np.where(x > 0, 1.0, negative + self.alpha)
        return self.scale * np.where(x > 0, x, negative), lambda dy, into: dy * slopes


@dataclass(frozen=True)
class Swish(_NoDegree):
    """``x`` times the logistic function of ``sharpness * x`` (Ramachandran et al. 2017); at sharpness 1, SiLU."""

    sharpness: float = 1.0

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Apply the activation entry by entry."""
        gate = (1 + np.tanh(self.sharpness * x / 2)) / 2
        return x * gate, lambda dy, into: dy * gate * (1 + self.sharpness * x * (1 - gate))


@dataclass(frozen=True)
class Mish(_NoDegree):
    """``x tanh(log(1 + exp(x)))`` (Misra 2019), without overflow."""

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Apply the activation entry by entry."""
        squashed = np.tanh(np.logaddexp(0, x))

        def pullback(dy: Array, into: Gradients | None) -> Array:
            dx: Array = dy * (squashed + x * (1 - squashed**2) * (1 + np.tanh(x / 2)) / 2)
            return dx

        return x * squashed, pullback


@dataclass(frozen=True)
class Softplus(_NoDegree):
    """``log(1 + exp(x))``, without overflow."""

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Apply the activation entry by entry."""
        return np.logaddexp(0, x), lambda dy, into: dy * (1 + np.tanh(x / 2)) / 2


@dataclass(frozen=True)
class Sine(_NoDegree):
    """The sine of ``x`` (Sitzmann et al. 2020); a frequency is a factor on the weights."""

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Apply the activation entry by entry."""
        return np.sin(x), lambda dy, into: dy * np.cos(x)


@dataclass(frozen=True)
class ReLU6(_NoDegree):
    """``x`` between 0 and 6, beyond them the nearer of both (Howard et al. 2017); the derivative at 0 and at 6 is 0."""

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Apply the activation entry by entry."""
        inside = (x > 0) & (x < 6)
        return np.clip(x, 0, 6), lambda dy, into: dy * inside


@dataclass(frozen=True)
class Dropout:
    """Keep each of `features` with probability `keep` and, if `inverted`, divide what is kept by that."""

    name: str
    features: int
    keep: float
    inverted: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.keep <= 1:
            raise ValueError(f"keep of layer {self.name!r} must be above 0 and at most 1, got {self.keep}")

    def draw(self, rng: np.random.Generator, draws: int, kind: KindOf[W] | None = None) -> dict[str, Array | W]:
        """Draw a mask for each draw of the weights, the same for the whole batch."""
        kept = rng.random((draws, 1, self.features)) < self.keep
        return {f"{self.name}.mask": kept / (self.keep if self.inverted else 1.0)}

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Apply the mask."""
        mask = entries_of(parameters, f"{self.name}.mask", x)
        return x * mask, lambda dy, into: dy * mask

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Keep the degree: a given mask is linear."""
        return incoming

    def weights(self) -> Iterator[Dense]:
        """Yield nothing: a mask is not learnt."""
        return iter(())
