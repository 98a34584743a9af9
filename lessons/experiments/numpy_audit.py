"""A dense net of NumPy arrays as the audit takes it: what PyTorch's hooks would see, and the graph that they trace.

The net is a list of matrices, drawn anew under every seed, with one activation between them and no biases. The audit's
own functions then judge what was measured (`audit.run.judged`): nothing is tested here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from audit.fans import dense
from audit.graph import Graph, Node
from audit.measured import Measured, Module
from simulations import stream
from simulations.numbers.arrays import Array

ENTRIES_KEPT = 1 << 13
"""Of so many entries of a weight the audit recognises its rule: fewer than of a user's model, as a slider waits."""
Draw = Callable[[np.random.Generator], Sequence[Array]]
"""Draws the matrices of a net, each (outputs, inputs), from the first layer to the last."""
Moments = tuple[float, float, float, float]
FUNCTIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "ReLU": (lambda z: np.maximum(z, 0.0), lambda z: (z > 0).astype(np.float64)),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
}
"""Activations, with their derivatives."""


def measured(draw: Draw, x: Array, function: str, seeds: int, seed: int = 0) -> Measured:
    """Draw the net under so many seeds, run x (rows, inputs) forwards and random signs backwards, and keep all moments.

    Other values of `seed` give other seeds.
    """
    found = Measured(seeds)
    for number in range(seeds):
        rng = stream(seed, "lesson 12", number)
        _run(found, number, draw(rng), x, function, rng)
    found.graph = _graph([one[0] for _, one in sorted(found.entries.items())], x, function)
    return found


def _run(
    found: Measured, seed: int, weights: Sequence[Array], x: Array, function: str, rng: np.random.Generator
) -> None:
    activate, slope = FUNCTIONS[function]
    inputs, sums = [x], []
    for number, weight in enumerate(weights):
        if seed == 0:
            found.parts += dense(_weight(number), weight.shape, _layer(number))
            found.sizes[_weight(number)] = weight.size
        if seed * weight.size < ENTRIES_KEPT:
            found.keep(_weight(number), weight)
        before = _moments(inputs[-1])
        sums.append(inputs[-1] @ weight.T)
        between = _moments(sums[-1])
        layer = _see(found, _layer(number), "Linear", weight.size, seed, before, between)
        layer.layer(seed, between[0], *_expected(inputs[-1], len(weight)))
        if number < len(weights) - 1:
            inputs.append(activate(sums[-1]))
            _see(found, f"{_layer(number)}.{function}", function, 0, seed, between, _moments(inputs[-1]))
    _see(found, "", "Net", 0, seed, _moments(x), _moments(sums[-1]))
    gradient = rng.choice([-1.0, 1.0], sums[-1].shape)
    for number in reversed(range(len(weights))):
        found.modules[_layer(number)].note("gradient", seed, _moments(gradient))
        found.gradient(_weight(number), seed, _square(gradient.T @ inputs[number]))
        gradient = gradient @ weights[number]
        if number:
            gradient = gradient * slope(sums[number - 1])
    found.reached |= bool(gradient.any())


def _expected(x: Array, rows: int) -> tuple[float, float, int]:
    """Return what x promises at weights of variance 1, a bound on the ratio's variance (`audit.layers`), and rows."""
    gram = x @ x.T
    total = float(np.trace(gram))
    return total / len(x), 2 / rows * (float(np.sum(gram**2)) / total**2 if total > 0 else 1.0), rows


def _see(found: Measured, name: str, kind: str, size: int, seed: int, before: Moments, behind: Moments) -> Module:
    module = found.module(name, kind, size)
    found.called += 1
    module.first(seed, found.called)
    module.note("input", seed, before)
    module.note("output", seed, behind)
    return module


def _moments(x: Array) -> Moments:
    """Return mean square, mean, share of zeros and number of values that are not finite."""
    size = x.size
    return (
        _square(x),
        float(x.sum()) / size,
        1 - float(np.count_nonzero(x)) / size,
        float(size - np.count_nonzero(np.isfinite(x))),
    )


def _square(x: Array) -> float:
    return float(np.vdot(x, x)) / x.size


def _layer(number: int) -> str:
    return f"{number + 1:02}"


def _weight(number: int) -> str:
    return f"{_layer(number)}.weight"


def _graph(weights: Sequence[Array], x: Array, function: str) -> Graph:
    """Return the chain of layers and activations, without which nothing is said of the whole net."""
    nodes, starts, ends, before = [Node(name="x", kind="input", inputs=(), what="input", value=x)], {}, {}, "x"
    for number, weight in enumerate(weights):
        name, shape = _layer(number), (len(x), len(weight))
        starts[name], ends[name] = before, name
        linear = Node(
            name=name, kind="linear", inputs=(before,), what="Linear", shape=shape, module=name,
            apply=_summed(len(weight)), weight=_weight(number), rows=len(weight), dense=True,
        )  # fmt: skip
        nodes.append(linear)
        before = name
        if number < len(weights) - 1:
            before = f"{name}.{function}"
            nodes.append(
                Node(
                    name=before,
                    kind="activation",
                    inputs=(name,),
                    what=function,
                    shape=shape,
                    module=before,
                    slope=0.0 if function == "ReLU" else None,
                    function=function,
                )
            )
    return Graph({one.name: one for one in nodes}, ends | {"": before}, starts | {"": "x"})


def _summed(outputs: int) -> Callable[[Array], Array]:
    """Return the layer at weights of 1: every output is the sum of its inputs."""
    return lambda squares: np.repeat(squares.sum(axis=-1, keepdims=True), outputs, axis=-1)


def normal(rng: np.random.Generator, outputs: int, inputs: int, variance: float) -> Array:
    """Draw a matrix of normal entries."""
    return rng.normal(0.0, math.sqrt(variance), (outputs, inputs))
