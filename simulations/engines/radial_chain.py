"""Which networks are radial: reading a `Network` as a chain of dense steps and residual branches, or saying why not.

A network is radial if the norms of its states at one input form a Markov chain, because nothing in it prefers a
direction: Gaussian matrices, each with a ReLU right behind it or nothing, and identity shortcuts around branches that
begin and end in a matrix.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from simulations.layers.dense import Dense, Layer, LeakyReLU
from simulations.layers.network import Network, Residual, Sequential
from simulations.weights.initialisers import Initialiser, gaussian

SMALLEST_DEVIATION, LARGEST_DEVIATION = 1e-60, 1e60
"""Between them a layer's squared factors stay within float64; powers of two are moved out after every layer."""


@dataclass(frozen=True)
class Step:
    """A Gaussian matrix (fan_in, fan_out) of this standard deviation, and a ReLU behind it or nothing."""

    weight: str
    fan_in: int
    fan_out: int
    deviation: float
    relu: bool = False


@dataclass(frozen=True)
class Branch:
    """Steps around which an identity shortcut leads; the last has no ReLU."""

    steps: tuple[Step, ...]


Element = Step | Branch


@dataclass(frozen=True)
class Chain:
    """A radial network: the elements of each block."""

    blocks: tuple[tuple[Element, ...], ...]

    @property
    def width(self) -> int:
        """Number of features of the input."""
        first = next(element for block in self.blocks for element in block)
        return (first.steps[0] if isinstance(first, Branch) else first).fan_in

    @property
    def last(self) -> Step | None:
        """The linear step whose output is the network's, if it ends in one."""
        *_, element = (element for block in self.blocks for element in block)
        return element if isinstance(element, Step) and not element.relu else None


def why_not_radial(network: Network) -> str:
    """Return why `network` can't be simulated by norms alone, naming the layer; empty if it can."""
    try:
        read_chain(network)
    except ValueError as reason:
        return str(reason)
    return ""


def read_chain(network: Network) -> Chain:
    """Read `network` as a radial chain.

    Raises
    ------
    ValueError
        If it is not radial, with the reason.
    """
    names = Counter(dense.name for dense in network.weights())
    for name, uses in names.items():
        if uses > 1:
            raise ValueError(f"layer {name!r} is used {uses} times: shared weights are not independent")
    chain = Chain(tuple(_elements(layer, f"block {number}") for number, layer in enumerate(network.layers)))
    if not any(chain.blocks):
        raise ValueError("there is no dense layer")
    _check_widths(element for block in chain.blocks for element in block)
    return chain


def _elements(layer: Layer, place: str) -> tuple[Element, ...]:
    """Read one layer, with every ReLU taken into the dense layer before it."""
    elements: list[Element] = []
    for part in _parts(layer):
        if isinstance(part, Dense):
            elements.append(_step(part))
        elif isinstance(part, Residual):
            elements.append(_branch(part, place))
        elif isinstance(part, LeakyReLU) and part.slope == 0:
            before = elements.pop() if elements else None
            if not isinstance(before, Step) or before.relu:
                raise ValueError(f"{place} has a ReLU that follows no dense layer: what it keeps depends on directions")
            elements.append(Step(before.weight, before.fan_in, before.fan_out, before.deviation, relu=True))
        else:
            raise ValueError(f"{place} has {part}, and only dense layers and ReLUs have a chain of norms")
    return tuple(elements)


def _parts(layer: Layer) -> Iterator[Layer]:
    if isinstance(layer, Sequential):
        for part in layer.layers:
            yield from _parts(part)
    else:
        yield layer


def _step(dense: Dense) -> Step:
    if dense.bias_deviation is not None:
        raise ValueError(f"layer {dense.name!r} has a bias")
    if type(dense.init) is not Initialiser:
        raise ValueError(f"layer {dense.name!r} has an initialiser of another kind: {dense.init}")
    deviation = abs(dense.init.scale) * math.sqrt(dense.init.variance(dense.fan_in, dense.fan_out))
    if deviation and dense.init.law is not gaussian:
        raise ValueError(f"layer {dense.name!r} has entries that are not Gaussian: directions matter")
    if deviation and not SMALLEST_DEVIATION <= deviation <= LARGEST_DEVIATION:
        raise ValueError(f"layer {dense.name!r} has deviation {deviation}, beyond what squares in float64 allow")
    return Step(dense.weight, dense.fan_in, dense.fan_out, deviation)


def _branch(residual: Residual, place: str) -> Branch:
    if any(True for _ in _parts(residual.shortcut)):
        raise ValueError(f"{place} has a shortcut that is not the identity")
    if isinstance(next(_parts(residual.branch), None), LeakyReLU):
        raise ValueError(f"{place} has a branch that begins with an activation: what it keeps depends on directions")
    steps = _elements(residual.branch, f"the branch of {place}")
    inner = tuple(step for step in steps if isinstance(step, Step))
    if len(inner) < len(steps):
        raise ValueError(f"{place} has a residual block inside a branch")
    if not inner or inner[-1].relu:
        raise ValueError(f"{place} has a branch that does not end in a dense layer")
    if inner[0].fan_in != inner[-1].fan_out:
        raise ValueError(f"{place} has a branch from {inner[0].fan_in} to {inner[-1].fan_out} features")
    return Branch(inner)


def _check_widths(elements: Iterator[Element]) -> None:
    width = None
    for element in elements:
        for step in element.steps if isinstance(element, Branch) else (element,):
            if width not in (None, step.fan_in):
                raise ValueError(f"{step.weight!r} expects {step.fan_in} features, got {width}")
            width = step.fan_out
