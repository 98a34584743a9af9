"""Lesson 1: what a gain does to depth, what equal units never do, and how products of matrices grow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from figures.tools.table import Table, stacked
from lessons.tools.exercise import Exercise
from simulations import Initialiser, digits, lecun, measure, mlp, stream
from simulations.experiments.two_layer import TwoLayer
from simulations.networks.blocks import RELU
from theory.plain import norms as plain
from theory.spectra import matrix_products

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

ACTIVATIONS = {"linear": None, "relu": RELU}
SLOPES = {"linear": 1, "relu": 0}
FEATURES, HIDDEN, BATCH, RATE = 4, 6, 32, 0.5
UNIT = Initialiser(lambda fan_in, fan_out: 1.0)


def factor(gain: float, activation: str) -> float:
    """Return the factor on the mean square of one layer of weights of variance gain^2 / n."""
    return float(plain.layer_factor(1, gain**2, SLOPES[activation]))


def sizes(gain: float, depth: int, width: int, activation: str, seed: int, draws: int = 200) -> Table:
    """Measure the root mean square of a unit, relative to the input's, in every layer of a plain net."""
    network = mlp([width] * (depth + 1), init=lecun.scaled(gain), activation=ACTIVATIONS[activation])
    rng = stream(seed, "lesson 1", "sizes")
    record = measure(network, np.ones((1, width)), draws=draws, rng=rng, extras=())
    layers = np.arange(depth + 1)
    ratios = record.square_norms / width
    return stacked(
        {"layer": "1", "expected": "1", "measured": "1", "low": "1", "high": "1"},
        {
            "layer": layers,
            "expected": factor(gain, activation) ** (layers / 2),
            "measured": np.sqrt(ratios.mean(axis=0)),
            "low": np.sqrt(np.quantile(ratios, 0.05, axis=0)),
            "high": np.sqrt(np.quantile(ratios, 0.95, axis=0)),
        },
    )


def draw_sizes(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw the closed form as a line, the measured mean as points, and nine tenths of the draws as a band."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    layers = table["layer"]
    low = np.maximum(table.numbers("low"), np.finfo(float).tiny)
    axes.fill_between(layers, low, table.numbers("high"), color="0.85", label=labels["band"])
    axes.plot(layers, table["expected"], label=labels["closed form"])
    some = slice(None, None, max(1, len(table) // 25))
    axes.plot(layers[some], table["measured"][some], "o", label=labels["measured"])
    axes.set(yscale="log", xlabel=labels["layer axis"], ylabel=labels["size axis"])
    axes.set_title(labels["sizes title"])
    axes.legend()
    return picture


def apart(noise: float, steps: int, seed: int) -> Table:
    """Train a net of six hidden units that differ by `noise` at the start, and watch how far apart they are.

    The data are digits, as unlike each other as data are; features have different sizes.
    """
    rng, inputs = stream(seed, "lesson 1", "apart"), digits(seed)
    chosen = np.linspace(0, inputs.x.shape[1] - 1, FEATURES).astype(int)
    difference = noise * rng.standard_normal((2, 1, HIDDEN))
    network = TwoLayer(
        0.3 + difference[0] + np.zeros((1, FEATURES, HIDDEN)),
        0.3 + difference[1][..., None] + np.zeros((1, HIDDEN, inputs.classes)),
    )
    units, features = [], []
    for _ in range(steps + 1):
        units.append(np.ptp(network.incoming, axis=2).max())
        features.append(np.ptp(network.incoming, axis=1).max())
        rows = rng.integers(len(inputs.x), size=BATCH)
        x = inputs.x[rows][:, chosen] / np.abs(inputs.x).max() + np.arange(FEATURES) / 4
        network = network.step(x[None], inputs.targets[rows][None], RATE)
    return stacked(
        {"step": "1", "units": "1", "features": "1"},
        {"step": np.arange(steps + 1), "units": np.array(units), "features": np.array(features)},
    )


def draw_apart(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw how far apart hidden units are, and input features, against the step."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    axes.plot(table["step"], table["units"], label=labels["units"])
    axes.plot(table["step"], table["features"], "--", label=labels["features"])
    axes.set(xlabel=labels["step axis"], ylabel=labels["apart axis"])
    axes.set_title(labels["apart title"])
    axes.legend()
    return picture


def products(width: int, matrices: int, seed: int, draws: int = 500) -> Table:
    """Measure how far products of matrices of N(0, 1) entries stretch a vector, as decimal logarithms."""
    network = mlp([width] * (matrices + 1), init=UNIT, activation=None)
    rng = stream(seed, "lesson 1", "products")
    norms = measure(network, np.eye(width)[:1], draws=draws, rng=rng, extras=()).square_norms
    steps, logs = np.arange(matrices + 1), np.log10(norms) / 2
    return stacked(
        {"matrices": "1", "typical": "1", "mean log": "1", "mean square": "1", "of the draws": "1", "largest": "1"},
        {
            "matrices": steps,
            "typical": steps * float(matrix_products.lyapunov(width)) / math.log(10),
            "mean log": logs.mean(axis=0),
            "mean square": steps * float(matrix_products.annealed(width)) / math.log(10),
            "of the draws": np.log10(norms.mean(axis=0)) / 2,
            "largest": logs.max(axis=0),
        },
    )


def draw_products(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw the two lines, typical and mean square, and what the draws did."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    steps, some = table["matrices"], slice(None, None, max(1, len(table) // 20))
    axes.plot(steps, table["typical"], color="C0", label=labels["typical"])
    axes.plot(steps[some], table["mean log"][some], "o", color="C0", label=labels["mean log"])
    axes.plot(steps, table["mean square"], "--", color="C1", label=labels["mean square"])
    axes.plot(steps[some], table["of the draws"][some], "s", color="C1", label=labels["of the draws"])
    axes.plot(steps, table["largest"], color="0.6", linewidth=1, label=labels["largest"])
    axes.set(xlabel=labels["matrices axis"], ylabel=labels["stretch axis"])
    axes.set_title(labels["products title"])
    axes.legend()
    return picture


GUESSED_GAIN, GUESSED_DEPTH = 1.1, 100
"""Weights a tenth too large, in a hundred linear layers."""


def guessed_growth() -> float:
    """Return the factor on the root mean square through `GUESSED_DEPTH` linear layers of gain `GUESSED_GAIN`."""
    return math.pow(factor(GUESSED_GAIN, "linear"), GUESSED_DEPTH / 2)


def guessed_ratio(width: int = 4, matrices: int = 100) -> float:
    """Return by how much the root mean square of a product exceeds its typical size."""
    return math.exp(matrices * float(matrix_products.annealed(width) - matrix_products.lyapunov(width)))


EXERCISES = (
    Exercise(
        "exercise 1",
        lambda g, L: plain.norm_in_depth(plain.layer_factor(1, g**2, slope=1), int(L)),
        at=[{"g": 1.5, "L": 3}, {"g": 0.5, "L": 2}, {"g": 2, "L": 1}],
        misconceptions={"amplitude": lambda g, L: g**L, "added": lambda g, L: L * g**2, "one layer": lambda g, L: g**2},
    ),
    Exercise(
        "exercise 2",
        lambda: 1 / math.sqrt(factor(1, "relu")),
        misconceptions={"variance": lambda: 2, "linear": lambda: 1, "inverse": lambda: math.sqrt(0.5)},
        tolerance=0.005,
    ),
    Exercise(
        "exercise 3",
        lambda: math.log(1000) / -math.log(0.9),
        misconceptions={"square": lambda: math.log(1000) / -math.log(0.81)},
        tolerance=0.01,
    ),
)
