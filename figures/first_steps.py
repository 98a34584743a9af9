"""How the first steps of training move the mean square at each depth: plain nets with He and Xavier, and Fixup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.drawing import measured
from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.key import KEY
from figures.tools.table import Table, row, stacked
from simulations import Network, digits, he, lecun, mlp, residual_mlp, stream, zero
from simulations.layers.dense import Parameters
from simulations.layers.network import Run
from simulations.numbers.arrays import Array
from simulations.training.sgd import step
from theory.training import first_move

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="A first step shrinks a He net's states by the square of their depth, Fixup's hardly",
    finding=(
        "At the start the mean square at layer l of a plain He net falls in proportion to l(l + 1)/2 if it is wide (606"
        " for 136 at layer 16 of width 32), 2^15 times slower with Xavier's variance at 16 layers, and under Fixup by "
        "l/L of what one block would make. One step of SGD on digits at rate 0.01 leaves on average 62 % of the mean "
        "square at layer 16 of the He net, 98 % at block 16 of Fixup and all of it with Xavier; ten leave 40, 90 and "
        "99.7 %."
    ),
    alt=(
        "Two panels. Left, logarithmic: relative rate at which the mean square falls, against layer or block 1 to 16. "
        "He rises from 1 to 606, Fixup in proportion to the depth to 1, Xavier stays below 0.02; points lie near the "
        "lines. Right: mean square after 1 and 10 steps over that before. He falls steadily with depth to 0.62 and "
        "0.40, Fixup is nearly flat at 0.98 and 0.9, Xavier stays at 1."
    ),
    source="Beyond Zhang, Dauphin & Ma 2019, section 3, and Glorot & Bengio 2010",
    parameters={"width": 32, "layers": 16, "draws": 1000, "trained": 96, "batch": 64, "rate": 0.01, "steps": [1, 10]},
    tolerance=1e-4,
    key=KEY | {"line": "closed form (left)"},
)
UNITS = {"start": "", "panel": "", "steps": "1", "depth": "1", "expected": "1", "measured": "1", "error": "1"}
LOOKS = {"He, plain": "-o", "Xavier, plain": "-^", "Fixup": "-s"}
AT_ONCE = 100
"""Nets that are drawn at a time."""


def _net(start: str, width: int, layers: int, stem: int | None, classes: int | None) -> Network:
    if start == "Fixup":
        first = he.scaled(layers**-0.5)
        return residual_mlp(width, layers, init=first, last_layer=zero, stem=stem, classes=classes)
    widths = [stem or width] + [width] * layers
    return mlp(widths, init=he if start.startswith("He") else lecun, classes=classes)


def _expected(start: str, width: int, layers: int, depth: int) -> float:
    """Return the mean over weights of the relative rate at which ||x_l||^2 falls, over 2 c s^2 ||x_0||^2."""
    if start == "Fixup":
        return float(first_move.fixup_move(depth, layers, width, width))
    growth = 1.0 if start.startswith("He") else 0.5
    return float(first_move.plain_move(depth, layers, width, growth)) / growth**depth


def _inner(left: Parameters, right: Parameters) -> Array:
    total: Array = np.sum([(left[name] * right[name]).sum(axis=(1, 2)) for name in left], axis=0)
    return total


def moves(network: Network, rng: np.random.Generator, draws: int) -> Array:
    """Inner products of the gradients of half the square norms at each depth and at the top, (draws, layers)."""
    parameters = network.draw(rng, draws)
    width = next(iter(parameters.values())).shape[1]
    x = np.zeros((draws, 1, width))
    x[..., 0] = 1
    seen = network.run(parameters, x)
    layers = len(seen.pullbacks)

    def gradients(depth: int) -> Parameters:
        return Run(seen.states[: depth + 1], seen.pullbacks[:depth]).gradients(seen.states[depth])

    top = gradients(layers)
    return np.stack([_inner(gradients(depth), top) for depth in range(1, layers + 1)], axis=1)


def trained(network: Network, parameters: dict[str, Any], seed: int, start: str, draws: int) -> dict[int, Array]:
    """Mean squares at each depth after some steps of SGD on digits, over those before, (draws, layers)."""
    inputs, rng = digits(), stream(seed, "first_steps", start, "training")
    used = inputs.x.any(axis=1)
    x, targets = inputs.x[used] / np.sqrt(np.square(inputs.x[used]).mean()), inputs.targets[used]
    now, test = network.draw(rng, draws), x[rng.integers(len(x), size=(draws, parameters["batch"]))]

    def squares() -> Array:
        states = network.run(now, test).states
        return np.stack([np.square(one).mean(axis=(1, 2)) for one in states[-1 - parameters["layers"] : -1]], axis=1)

    before, found = squares(), {}
    for done in range(1, max(parameters["steps"]) + 1):
        chosen = rng.integers(len(x), size=(draws, parameters["batch"]))
        now = step(network, now, x[chosen], targets[chosen], parameters["rate"]).parameters
        if done in parameters["steps"]:
            found[done] = squares() / before
    return found


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Measure the rates over draws of the weights, and the mean squares over draws that are trained."""
    width, layers = parameters["width"], parameters["layers"]
    depths = np.arange(1, layers + 1)
    groups: list[dict[str, object]] = []
    for start in LOOKS:
        draws = max(100, int(DRAWS[effort] * parameters["draws"]))
        rng, network = stream(seed, "first_steps", start), _net(start, width, layers, None, None)
        seen = np.concatenate([moves(network, rng, AT_ONCE) for _ in range(draws // AT_ONCE)])
        seen = seen / (0.5**depths if start.startswith("Xavier") else 1.0)
        expected = [_expected(start, width, layers, int(depth)) for depth in depths]
        error = seen.std(axis=0, ddof=1) / np.sqrt(len(seen))
        groups.append(row(UNITS, start, "rate", 0, depths, expected, seen.mean(axis=0), error))
        of_digits = _net(start, width, layers, digits().x.shape[1], 10)
        few = max(8, int(DRAWS[effort] * parameters["trained"]))
        for done, ratios in trained(of_digits, parameters, seed, start, few).items():
            error = ratios.std(axis=0, ddof=1) / np.sqrt(few)
            groups.append(row(UNITS, start, "training", done, depths, np.nan, ratios.mean(axis=0), error))
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw rates on the left, what training makes of them on the right."""
    import matplotlib.pyplot as plt

    picture, (left, right) = plt.subplots(1, 2, figsize=(9, 4.3))
    for (start, look), cycle in zip(LOOKS.items(), plt.rcParams["axes.prop_cycle"], strict=False):
        rows = table.where(start=start, panel="rate")
        left.plot(rows["depth"], rows["expected"], look[:-1], **cycle)
        measured(left, rows, "depth", look[-1], label=start, **cycle)
        for done, filling in zip(parameters["steps"], ("full", "none"), strict=True):
            after = table.where(start=start, panel="training", steps=done)
            label = f"{start}, {done} step{'s' * (done > 1)}"
            measured(right, after, "depth", look[-1], label=label, fillstyle=filling, **cycle)
    left.set(yscale="log", xlabel="layer or block $l$", ylabel="relative rate of fall of the mean square")
    right.set(ylim=(0, 1.05), xlabel="layer or block $l$", ylabel="mean square after steps, over before")
    left.legend(frameon=False)
    right.legend(frameon=False, fontsize=8)
    return picture
