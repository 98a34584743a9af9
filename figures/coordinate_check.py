"""Coordinate check: how far the features of hidden layers move in one and in three steps, against the width."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.drawing import joined, measured
from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.key import KEY
from figures.tools.table import Table, row, stacked
from simulations import Dense, LeakyReLU, Network, stream
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import he, lecun
from theory.domain import number
from theory.transformer import coordinate_check

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="With muP features move alike at every width, with one rate for all they do not",
    finding=(
        "One step of a hidden layer moves its features like sqrt n by SGD and like n by Adam, with rates and starts as "
        "usual, and alike at all widths with muP's; both are closed forms. Three steps of all layers follow: from "
        "width 32 to 512 features move 2 and 6.7 times as far as usual, and with muP as far as before, to 5 %."
    ),
    alt=(
        "Two panels, logarithmic: mean move of a feature against widths from 32 to 512, left by SGD and right by Adam. "
        "In each, a line of one step with the standard parametrisation rises and one with muP is level, with points "
        "on them; above them dotted lines of three steps, of which the standard one bends upwards and muP's is level."
    ),
    source="Yang et al. 2022 (muP), the coordinate check",
    parameters={
        "inputs": 16,
        "widths": [32, 64, 128, 256, 512],
        "steps": 3,
        "draws": 40,
        "rates": {"SGD": 0.01, "Adam": 0.001},
    },
    tolerance=1e-6,
    key=KEY | {"join": "joins measured points"},
)
UNITS = {"optimiser": "", "start": "", "steps": "1", "width": "1", "expected": "1", "measured": "1", "error": "1"}
RELU, BEHIND_SECOND = LeakyReLU(), 3
STARTS = ("standard", "muP")
OPTIMISERS: dict[str, Callable[[Array], Array]] = {"SGD": np.asarray, "Adam": np.sign}
"""Adam without moments: each step is that of the signs, as its first is."""
MUP = {"SGD": {"first": 1, "second": 0, "readout": -1}, "Adam": {"first": 0, "second": -1, "readout": -1}}
"""Powers of the width by which muP multiplies the rates of the three layers."""


def net(inputs: int, width: int, readout: float) -> Network:
    """Return a net of two hidden layers; its output is one number, whose weights are `readout` times LeCun's."""
    first, second = Dense("first", inputs, width, he), Dense("second", width, width, he)
    return Network((first, RELU, second, RELU, Dense("readout", width, 1, lecun.scaled(readout))))


def moved(
    network: Network, optimiser: str, rates: dict[str, float], steps: int, x: Array, rng: np.random.Generator
) -> Array:
    """Take steps that lower the output; how far the second layer's features move, in mean over them: (draws,)."""
    parameters = network.draw(rng, len(x))
    start = network.run(parameters, x)
    for _ in range(steps):
        run = network.run(parameters, x)
        gradients = run.gradients(np.ones_like(run.output))
        parameters = parameters | {
            f"{layer}.weight": parameters[f"{layer}.weight"]
            - rate * OPTIMISERS[optimiser](gradients[f"{layer}.weight"])
            for layer, rate in rates.items()
        }
    return np.asarray(
        np.abs(network.run(parameters, x).states[BEHIND_SECOND] - start.states[BEHIND_SECOND]).mean((1, 2))
    )


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Measure one step of the second layer alone, and several of all layers."""
    inputs, base = parameters["inputs"], parameters["widths"][0]
    draws, groups = max(8, int(DRAWS[effort] * parameters["draws"])), list[dict[str, object]]()
    for optimiser, rate in parameters["rates"].items():
        for start in STARTS:
            for width in parameters["widths"]:
                wider, mup = width / base, start == "muP"
                rates = {layer: rate * wider ** (mup * power) for layer, power in MUP[optimiser].items()}
                readout = wider ** (-mup / 2)
                rng, x = stream(seed, "coordinate_check", optimiser, start, width), np.ones((draws, 1, inputs))
                for steps, own in ((1, {"second": rates["second"]}), (parameters["steps"], rates)):
                    seen = moved(net(inputs, width, readout), optimiser, own, steps, x, rng)
                    told = _expected(optimiser, width, rates["second"], readout) if steps == 1 else np.nan
                    error = seen.std(ddof=1) / draws**0.5
                    groups.append(row(UNITS, optimiser, start, steps, width, told, seen.mean(), error))
    return stacked(UNITS, *groups)


def _expected(optimiser: str, width: int, rate: float, readout: float) -> float:
    """Return the mean move of a feature of the second layer in one step; half of them are off and stay."""
    sizes = number(coordinate_check.adam_growth().at(n=width)) / width  # mean size of a standard normal number
    if optimiser == "SGD":  # the first layer's features have the mean square 1
        return -number(coordinate_check.sgd_move(rate, sizes * readout * width**-0.5, width)) / 2
    return -number(coordinate_check.adam_move(rate, 1, width * sizes / 2 * 2**0.5)) / 2  # they are N(0, 2), rectified


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw what one step does as lines with points on them, and several steps of all layers as dotted lines."""
    import matplotlib.pyplot as plt

    picture, panels = plt.subplots(1, 2, figsize=(9, 4.1))
    for optimiser, axes in zip(OPTIMISERS, panels, strict=True):
        for start, color in zip(STARTS, ("C1", "C0"), strict=True):
            for steps, mark in ((1, "o"), (parameters["steps"], "s")):
                rows = table.where(optimiser=optimiser, start=start, steps=steps)
                if steps == 1:
                    axes.plot(rows["width"], rows["expected"], color=color)
                else:
                    joined(axes, rows["width"], rows["measured"], color=color)
                label = f"{start}, " + ("1 step of one layer" if steps == 1 else f"{steps} steps of all")
                measured(axes, rows, "width", mark, color=color, markersize=5, label=label)
        axes.set(
            xscale="log", yscale="log", xlabel="width", ylabel="mean move of a feature", title=f"steps of {optimiser}"
        )
        axes.set_xticks(parameters["widths"], [str(one) for one in parameters["widths"]])
        axes.minorticks_off()
    panels[1].legend(loc="upper left")
    return picture
