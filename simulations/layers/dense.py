"""Layers: what each computes, how a cotangent passes back, and what it does to a degree of positive homogeneity.

Arrays are (draws, batch, features): one leading axis of independent weight draws, so one expression runs a thousand
networks. ``forward(parameters, x)`` returns the output and its pullback; ``pullback(dy, into)`` returns the cotangent
of the input and adds the parameters' gradients (sums of outer products over the batch) to the dictionary `into`, unless
that is None.

Degrees: ``degree(incoming, scaled)`` says of which degree the output is, in the parameters named by `scaled` (and in
the network's input if ``incoming`` was 1 there), or None if of none. A constant has degree 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Protocol

import numpy as np

from simulations.numbers.arrays import Array
from simulations.weights.initialisers import Initialiser, lecun
from simulations.weights.kinds import AnyParameters, Gradient, KindOf, Outer, W, arrays, collect, entries_of, weights_of

Parameters = dict[str, Array]
"""Arrays by name. Where products will do, weights may be of other kinds: `AnyParameters`."""
Gradients = dict[str, Gradient]
Pullback = Callable[[Array, Gradients | None], Array]


class Layer(Protocol):
    """What a network is built from."""

    def draw(self, rng: np.random.Generator, draws: int, kind: KindOf[W] | None = None) -> dict[str, Array | W]:
        """Draw the layer's parameters by name, each with a leading axis of `draws`; weights of that kind, or arrays."""

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Return the output at `x` and its pullback."""

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Return the output's degree of positive homogeneity, or None."""

    def weights(self) -> Iterator[Dense]:
        """Yield the dense layers inside, in order."""


@dataclass(frozen=True)
class Dense:
    """A linear layer ``x @ W + b``; without `bias_deviation` there is no b, with 0 there is a zero one."""

    name: str
    fan_in: int
    fan_out: int
    init: Initialiser = lecun
    bias_deviation: float | None = None

    def __post_init__(self) -> None:
        for label, width in (("fan_in", self.fan_in), ("fan_out", self.fan_out)):
            if not isinstance(width, Integral):
                raise ValueError(f"{label} of layer {self.name!r} must be a whole number, got {width!r}")
            if width < 1:
                raise ValueError(f"{label} of layer {self.name!r} must be at least 1, got {width}")
        if not isinstance(self.init, Initialiser):
            raise TypeError(
                f"init of layer {self.name!r} must be an Initialiser, such as he or Initialiser(lambda fan_in, fan_out:"
                f" 1 / fan_in), got {self.init!r}"
            )

    @property
    def weight(self) -> str:
        """The name of the weight matrix, (draws, fan_in, fan_out)."""
        return f"{self.name}.weight"

    @property
    def bias(self) -> str:
        """The name of the bias, (draws, 1, fan_out)."""
        return f"{self.name}.bias"

    def draw(self, rng: np.random.Generator, draws: int, kind: KindOf[W] | None = None) -> dict[str, Array | W]:
        """Draw the weight matrix, and the bias if there is one."""
        make = arrays if kind is None else kind
        drawn: dict[str, Array | W] = {self.weight: make(self.init, rng, draws, self.fan_in, self.fan_out)}
        if self.bias_deviation is not None:
            drawn[self.bias] = self.bias_deviation * rng.standard_normal((draws, 1, self.fan_out))
        return drawn

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Return ``x @ W + b``; ValueError if `x` is not (draws, batch, fan_in)."""
        if x.ndim != 5 and x.shape[-1] != self.fan_in:
            raise ValueError(f"layer {self.name!r} expects {self.fan_in} features, got {x.shape[-1]}")
        if x.ndim != 3:  # products of matrices would pair the wrong axis with the draws
            raise ValueError(
                f"layer {self.name!r} expects (draws, batch, {self.fan_in}), got shape {x.shape}; rows of sequences go "
                f"into the batch: reshape to (draws, batch * time, {self.fan_in}); images pass Flatten() first"
            )
        weight = weights_of(parameters, self.weight, x)
        y = x @ weight
        if self.bias_deviation is not None:
            y = y + entries_of(parameters, self.bias, x)

        def pullback(dy: Array, into: Gradients | None) -> Array:
            if into is not None:
                collect(into, self.weight, Outer(x, dy))
                if self.bias_deviation is not None:
                    collect(into, self.bias, Outer(np.ones_like(x[..., :1]), dy))
            dx: Array = dy @ weight.mT
            return dx

        return y, pullback

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Add one for a scaled weight; a bias must then have the same degree."""
        if incoming is None:
            return None
        outgoing = incoming + (self.weight in scaled)
        if self.bias_deviation is not None and outgoing != (self.bias in scaled):
            return None
        return outgoing

    def weights(self) -> Iterator[Dense]:
        """Yield this layer."""
        yield self


class Parameterless:
    """The parts that a layer without parameters has by not having any."""

    def draw(self, rng: np.random.Generator, draws: int, kind: KindOf[W] | None = None) -> dict[str, Array | W]:
        """Draw nothing."""
        return {}

    def weights(self) -> Iterator[Dense]:
        """Yield nothing."""
        return iter(())


@dataclass(frozen=True)
class LeakyReLU(Parameterless):
    """``x`` where positive and ``slope * x`` elsewhere; the derivative at 0 is `slope`."""

    slope: float = 0.0

    def __post_init__(self) -> None:
        if not (isinstance(self.slope, Real) and math.isfinite(self.slope)):
            raise ValueError(f"the slope of a LeakyReLU must be a finite number, got {self.slope!r}")

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Apply the activation entry by entry."""
        if self.slope == 0:
            active = x > 0
            return x * active, lambda dy, into: dy * active
        slopes = np.where(x > 0, x.dtype.type(1), x.dtype.type(self.slope))
        return x * slopes, lambda dy, into: dy * slopes

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Keep the degree: the activation is positively homogeneous of degree 1."""
        return incoming


@dataclass(frozen=True)
class Tanh(Parameterless):
    """The hyperbolic tangent."""

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Apply tanh entry by entry."""
        y = np.tanh(x)
        return y, lambda dy, into: dy * (1 - y * y)

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Keep a constant constant; anything else loses its degree."""
        return 0 if incoming == 0 else None
