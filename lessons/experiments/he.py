"""Lesson 4: what a rectifier takes, what a leak gives back, and gains that tables get wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from claims.layer.gains import TORCH
from figures.tools.table import Table, stacked
from lessons.tools.exercise import Exercise
from simulations import LeakyReLU, lecun, measure, mlp, stream
from simulations.numbers.arrays import Array
from theory.layer import gains, one_layer, rectifiers
from theory.plain import norms as plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

WIDTH, DRAWS = 512, 100
TORCH_GAIN = math.sqrt(float(one_layer.uniform_variance(1)))  # entries are uniform between -1/sqrt(n) and 1/sqrt(n)


@cache
def right_gain(slope: float) -> float:
    """Return the gain of a leaky ReLU."""
    return float(rectifiers.leaky_gain(slope))


INITS: Mapping[str, Callable[[float], float]] = {
    "he": lambda slope: right_gain(0),
    "leaky": right_gain,
    "xavier": lambda slope: 1.0,
    "torch": lambda slope: TORCH_GAIN,
}
FORMULAS: Mapping[str, Callable[[float], float]] = {
    "plain": lambda slope: right_gain(0),
    "modulus": lambda slope: math.sqrt(2 / (1 + abs(slope))),
    "square": right_gain,
}


def depths(init: str, slope: float, depth: int, seed: int) -> Table:
    """Measure the mean square of a unit, relative to the input's, in every layer of nets with 512 units a layer."""
    gain = INITS[init](slope)
    network = mlp([WIDTH] * (depth + 1), init=lecun.scaled(gain), activation=LeakyReLU(slope))
    rng = stream(seed, "lesson 4", "depths")
    ratios = measure(network, np.ones((1, WIDTH)), draws=DRAWS, rng=rng, extras=()).square_norms / WIDTH
    layers, factor = np.arange(depth + 1), float(plain.layer_factor(1, gain**2, slope))
    return stacked(
        {"layer": "1", "expected": "1", "measured": "1", "low": "1", "high": "1"},
        {
            "layer": layers,
            "expected": factor**layers,
            "measured": ratios.mean(axis=0),
            "low": np.quantile(ratios, 0.05, axis=0),
            "high": np.quantile(ratios, 0.95, axis=0),
        },
    )


def draw_depths(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw the closed form as a line, the measured mean as points, and nine tenths of the draws as a band."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    layers, some = table["layer"], slice(None, None, max(1, len(table) // 20))
    axes.fill_between(layers, table.numbers("low"), table.numbers("high"), color="0.85", label=labels["band"])
    axes.plot(layers, table["expected"], label=labels["closed form"])
    axes.plot(layers[some], table["measured"][some], "o", label=labels["measured"])
    axes.set(yscale="log", xlabel=labels["layer axis"], ylabel=labels["square axis"], title=labels["depths title"])
    axes.set_ylim(min(0.05, table.numbers("low").min() / 2), max(20, 2 * table.numbers("high").max()))
    axes.legend()
    return picture


def units(seed: int, draws: int = 200) -> Array:
    """Draw pre-activations N(0, 1): one layer of 256 units, 64 inputs of mean square 1, and weights of gain 1."""
    network = mlp([64, 256], init=lecun, activation=None)
    rng = stream(seed, "lesson 4", "units")
    return network.run(network.draw(rng, draws), np.ones((draws, 1, 64))).output.ravel()


@cache
def leaky_moments(slope: float) -> tuple[float, float]:
    """Return the mean and the mean square of a leaky ReLU at N(0, 1)."""
    return float(rectifiers.leaky_moment(1, slope, 1)), float(rectifiers.leaky_second_moment(slope, 1))


def slopes(formula: str, chosen: float, seed: int) -> Table:
    """Measure mean square and variance of a unit behind one layer, at slopes between -1 and 1, one gain each."""
    z, grid = units(seed), [round(place / 10, 1) for place in range(-10, 11)]
    factors = np.array([FORMULAS[formula](slope) ** 2 for slope in grid])
    means, squares = np.array([leaky_moments(slope) for slope in grid]).T
    found = [LeakyReLU(slope).forward({}, z)[0] for slope in grid]
    return stacked(
        dict.fromkeys(
            ("slope", "gain", "expected", "measured", "expected variance", "measured variance", "chosen"), "1"
        ),
        {
            "slope": np.array(grid),
            "gain": np.sqrt(factors),
            "expected": factors * squares,
            "measured": factors * [np.mean(one**2) for one in found],
            "expected variance": factors * (squares - means**2),
            "measured variance": factors * [one.var(ddof=1) for one in found],
            "chosen": np.isclose(grid, chosen),
        },
    )


def draw_slopes(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw closed forms as lines and measured values as points, against the slope."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    axes.axhline(1, color="0.6", linewidth=1)
    axes.axvline(table.where(chosen=1).numbers("slope")[0], ymax=0.8, color="0.6", linestyle=":")
    for kind, line, mark, color in (("", "-", "o", "C0"), (" variance", "--", "s", "C1")):
        axes.plot(table["slope"], table[f"expected{kind}"], line, color=color, label=labels[f"line{kind}"])
        axes.plot(table["slope"], table[f"measured{kind}"], mark, color=color, label=labels[f"points{kind}"])
    axes.set(xlabel=labels["slope axis"], ylabel=labels["unit axis"], ylim=(0, 2.9), title=labels["slopes title"])
    axes.legend(ncols=2, loc="upper center")
    return picture


def guessed_loss() -> float:
    """Return by which factor 30 layers of Xavier shrink the mean square of a ReLU net."""
    return float(plain.layer_factor(1, 1)) ** -30


def torch_factor() -> float:
    """Return the factor of a layer with PyTorch's default weights on the mean square of a ReLU net."""
    return float(plain.layer_factor(1, one_layer.uniform_variance(1)))


EXERCISES = (
    Exercise(
        "exercise 1",
        lambda a: right_gain(a),
        at=[{"a": 0.5}, {"a": 0.2}, {"a": 0.8}],
        misconceptions={
            "variance": lambda a: 2 / (1 + a**2),
            "modulus": lambda a: math.sqrt(2 / (1 + a)),
            "minus": lambda a: math.sqrt(2 / (1 - a**2)),
            "plain": lambda a: math.sqrt(2),
            "inverse": lambda a: math.sqrt((1 + a**2) / 2),
        },
    ),
    Exercise(
        "exercise 2",
        torch_factor,
        misconceptions={
            "no rectifier": lambda: 1 / 3,
            "preserved": lambda: 1,
            "amplitude": lambda: math.sqrt(1 / 6),
            "upside down": lambda: 6,
        },
        tolerance=0.005,
    ),
    Exercise(
        "exercise 3",
        lambda: float(TORCH["SELU"] ** 2 * gains.second_moment("SELU")),
        misconceptions={"amplitude": lambda: 3 / 4, "preserved": lambda: 1, "rectifier": lambda: 9 / 32},
        tolerance=0.005,
    ),
)
