"""Networks: layers in sequence, residual blocks, and a run that keeps what it saw at every depth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from typing import Protocol, runtime_checkable

import numpy as np

from simulations.layers.dense import Dense, Gradients, Layer, Parameters, Pullback
from simulations.layers.scalars import Scalar
from simulations.numbers.arrays import Array
from simulations.numbers.orthonormal import NotFiniteError
from simulations.weights.kinds import AnyParameters, KindOf, W


@runtime_checkable
class Learnt(Protocol):
    """A layer that names its own parameters."""

    def learnt(self) -> Iterator[str]:
        """Yield the names of the parameters that are learnt, in order."""


@dataclass(frozen=True)
class Sequential:
    """Layers one after the other; with none, the identity."""

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.layers, tuple) or not all(hasattr(layer, "forward") for layer in self.layers):
            raise TypeError(
                f"expected a tuple of layers, such as (Dense('first', 8, 8), LeakyReLU()), got {self.layers!r}"
            )

    def draw(self, rng: np.random.Generator, draws: int, kind: KindOf[W] | None = None) -> dict[str, Array | W]:
        """Draw the parameters of all layers."""
        return {name: value for layer in self.layers for name, value in layer.draw(rng, draws, kind).items()}

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Apply the layers in order."""
        pullbacks: list[Pullback] = []
        for layer in self.layers:
            x, pullback = layer.forward(parameters, x)
            pullbacks.append(pullback)

        def backward(dy: Array, into: Gradients | None) -> Array:
            return reduce(lambda cotangent, pullback: pullback(cotangent, into), reversed(pullbacks), dy)

        return x, backward

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Pass the degree from layer to layer."""
        return reduce(lambda degree, layer: layer.degree(degree, scaled), self.layers, incoming)

    def weights(self) -> Iterator[Dense]:
        """Yield the dense layers in order."""
        for layer in self.layers:
            yield from layer.weights()


@dataclass(frozen=True)
class Residual:
    """``shortcut(x) + branch(x)``; the default shortcut is the identity."""

    branch: Layer
    shortcut: Layer = Sequential(())

    def draw(self, rng: np.random.Generator, draws: int, kind: KindOf[W] | None = None) -> dict[str, Array | W]:
        """Draw the parameters of branch and shortcut."""
        return self.branch.draw(rng, draws, kind) | self.shortcut.draw(rng, draws, kind)

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Add the branch to the shortcut."""
        branch, through_branch = self.branch.forward(parameters, x)
        shortcut, through_shortcut = self.shortcut.forward(parameters, x)
        if branch.shape != shortcut.shape:
            raise ValueError(
                f"the branch of a residual block returns {branch.shape[1:]} numbers an input, its shortcut "
                f"{shortcut.shape[1:]} (batch, features); give it a shortcut such as Dense, or a branch that fits"
            )
        return shortcut + branch, lambda dy, into: through_shortcut(dy, into) + through_branch(dy, into)

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Keep the degree on which branch and shortcut agree."""
        branch, shortcut = self.branch.degree(incoming, scaled), self.shortcut.degree(incoming, scaled)
        return branch if branch == shortcut else None

    def weights(self) -> Iterator[Dense]:
        """Yield the dense layers of the branch, then of the shortcut."""
        yield from self.branch.weights()
        yield from self.shortcut.weights()


@dataclass(frozen=True)
class Network(Sequential):
    """Blocks in sequence, of which a run keeps the state before and after each."""

    def parameter_names(self) -> tuple[str, ...]:
        """Name every weight, bias and scalar, in order."""
        return tuple(learnt(self))

    def tail_degree(self, position: int) -> int | None:
        """Return the degree of the map from the state at `position` to the output, or None."""
        return Sequential(self.layers[position:]).degree(1, frozenset())

    def homogeneous_sets(self, largest: int = 2) -> tuple[frozenset[str], ...]:
        """List the sets of up to `largest` parameters in which the output is positively homogeneous of degree 1."""
        names = self.parameter_names()
        sets = (frozenset(some) for size in range(1, largest + 1) for some in combinations(names, size))
        return tuple(some for some in sets if self.degree(0, some) == 1)

    def run(self, parameters: AnyParameters, x: Array) -> Run:
        """Run forwards and keep every state and pullback."""
        states, pullbacks = [x], []
        try:
            for block in self.layers:
                x, pullback = block.forward(parameters, x)
                states.append(x)
                pullbacks.append(pullback)
        except NotFiniteError as error:
            error.seen = states
            raise
        return Run(tuple(states), tuple(pullbacks))


def learnt(layer: Layer) -> Iterator[str]:
    """Yield the names of the parameters of `layer` that are learnt, in order."""
    match layer:
        case Sequential():
            for part in layer.layers:
                yield from learnt(part)
        case Residual():
            yield from learnt(layer.branch)
            yield from learnt(layer.shortcut)
        case Dense():
            yield from (layer.weight,) if layer.bias_deviation is None else (layer.weight, layer.bias)
        case Scalar():
            yield layer.name
        case Learnt():
            yield from layer.learnt()


@dataclass(frozen=True)
class Run:
    """The states x_0, ..., x_L of a forward run, each (draws, batch, features), and the way back."""

    states: tuple[Array, ...]
    pullbacks: tuple[Pullback, ...]

    @property
    def output(self) -> Array:
        """The last state: the logits of a classifier."""
        return self.states[-1]

    def gradients(self, cotangent: Array) -> Parameters:
        """Return the parameters' gradients by name, summed over the batch, for this cotangent of the output."""
        into: Gradients = {}
        self.backward(cotangent, into)
        return {name: gradient.array for name, gradient in into.items()}

    def backward(self, cotangent: Array, into: Gradients | None = None) -> tuple[Array, ...]:
        """Return the cotangents at all states, in their order; fill `into` with the parameters' gradients."""
        cotangents = [cotangent]
        try:
            for pullback in reversed(self.pullbacks):
                cotangents.append(pullback(cotangents[-1], into))
        except NotFiniteError as error:
            error.seen = cotangents
            raise
        return tuple(reversed(cotangents))
