"""Lesson 4, fifth part: how a deep sigmoid net loses its input."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from figures.tools.table import Table, stacked
from simulations import Initialiser, Tanh, mlp, stream, uniform
from simulations.data.splits import digits_split
from simulations.layers.activations import Sigmoid
from simulations.layers.dense import Layer
from theory.plain import sigmoid_distances

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

WIDTH, DRAWS, IMAGES = 64, 50, 20
OLD_GAIN = math.sqrt(WIDTH * float(sigmoid_distances.of_a_layer(WIDTH)))
"""Of weights uniform between -1/sqrt(n) and 1/sqrt(n)."""
ACTIVATIONS: dict[str, tuple[Layer, int]] = {"sigmoid": (Sigmoid(), 1), "tanh": (Tanh(), 4)}
"""Each with its largest slope over the sigmoid's: tanh z is 2 sigma(2z) - 1."""


def kept(gain: float, activation: str) -> float:
    """Return the largest share of a mean square distance that a layer keeps, in the mean over its weights."""
    steeper = ACTIVATIONS[activation][1]
    return float(gain**2 * steeper**2 * sigmoid_distances.kept_by_sigmoids())


def distances(gain: float, depth: int, activation: str, seed: int) -> Table:
    """Measure the mean square distance of digits at the pre-activations of each layer, relative to the first layer's.

    Weights are uniform, of variance gain^2 / n; the mean is over pairs of 20 images and over 50 nets of width 64.
    """
    init = Initialiser(lambda fan_in, fan_out: gain**2 / fan_in, uniform)
    network = mlp([WIDTH] * (depth + 1), init=init, activation=ACTIVATIONS[activation][0])
    drawn = network.draw(stream(seed, "lesson 4", "distances"), DRAWS)
    images = digits_split().flattened().test.x[:IMAGES].astype(np.float64)
    images = images / np.abs(images).max()
    states = network.run(drawn, np.broadcast_to(images, (DRAWS, *images.shape))).states[:-1]
    sums = [state @ drawn[f"layer{layer}.weight"] for layer, state in enumerate(states)]
    spread = np.stack([one.var(axis=1).mean(axis=1) for one in sums], axis=1)
    of_nets = spread / spread[:, :1].mean()
    layers = np.arange(1, depth + 1)
    return stacked(
        dict.fromkeys(("layer", "expected", "measured", "low", "high"), "1"),
        {
            "layer": layers,
            "expected": kept(gain, activation) ** (layers - 1.0),
            "measured": of_nets.mean(axis=0),
            "low": np.quantile(of_nets, 0.05, axis=0),
            "high": np.quantile(of_nets, 0.95, axis=0),
        },
    )


def draw_distances(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw the bound as a line, the measured mean as points, and nine tenths of the draws as a band."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    logs = {name: np.log10(table.numbers(name)) for name in table.units if name != "layer"}
    axes.fill_between(table["layer"], logs["low"], logs["high"], color="0.85", label=labels["band"])
    axes.plot(table["layer"], logs["expected"], label=labels["at most"])
    axes.plot(table["layer"], logs["measured"], "o", label=labels["measured"])
    axes.set(xlabel=labels["layer axis"], ylabel=labels["distance axis"], title=labels["distance title"])
    axes.set_ylim(min(-2, logs["measured"][-1] - 1), max(1, logs["high"].max()) + 0.5)
    axes.locator_params(axis="x", integer=True)
    axes.legend()
    return picture


def guessed_distance() -> float:
    """Return by which factor at least the old weights shrink the mean square distance from layer 1 to layer 4."""
    return kept(OLD_GAIN, "sigmoid") ** -3
