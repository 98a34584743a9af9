"""Lesson 3: one layer's gains forwards and backwards, what Glorot's compromise does to them, and nets of two widths."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
import sympy as sp

from figures.tools.table import Table, stacked
from lessons.tools.exercise import Exercise
from simulations import Initialiser, measure, mlp, stream
from simulations.numbers.arrays import Array
from theory.layer import one_layer
from theory.plain import compromise, glorot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture

VARIANCES: dict[str, Callable[[int, int], sp.Expr]] = {
    "fan-in": lambda fan_in, fan_out: glorot.forward_variance(fan_in),
    "glorot": glorot.glorot_variance,
    "geometric": glorot.geometric_variance,
    "mean of fans": glorot.harmonic_mean_of_fans_variance,
    "fan-out": lambda fan_in, fan_out: glorot.backward_variance(fan_out),
}
SMALLER = 64
"""The smaller of the two fans, where their ratio is what counts."""
DIRECTIONS: dict[str, tuple[str, Literal["-", "--"], str]] = {
    "forward": ("o", "-", "C0"),
    "backward": ("s", "--", "C1"),
}


def expected(rule: str, fan_in: int, fan_out: int) -> tuple[float, float]:
    """Return the gains of a linear layer, forwards and backwards, on the mean square of an entry."""
    variance = VARIANCES[rule](fan_in, fan_out)
    ahead = one_layer.second_moment(fan_out, variance, fan_in) / fan_out
    back = one_layer.second_moment(fan_in, variance, fan_out) / fan_in
    return float(ahead), float(back)


def measured(rule: str, widths: list[int], rng: np.random.Generator, draws: int) -> tuple[Array, Array]:
    """Return mean squares of an entry at every width, of signals over the input's and of gradients over the last's."""
    init = Initialiser(lambda fan_in, fan_out: float(VARIANCES[rule](fan_in, fan_out)))
    network = mlp(widths, init=init, activation=None)
    record = measure(network, np.ones((1, widths[0])), draws=draws, rng=rng, backward=True, extras=())
    ahead, back = record.second_moment, record.gradient_second_moment
    return ahead / ahead[0], back / back[-1]


def gains(rules: list[str], pairs: list[list[int]], rng: np.random.Generator, draws: int) -> dict[str, object]:
    """Return columns of both gains, by closed form and measured, for rules and pairs of fans that go together."""
    cases = list(zip(rules, pairs, strict=True))
    wanted = np.array([expected(rule, *pair) for rule, pair in cases])
    found = [measured(rule, pair, rng, draws) for rule, pair in cases]
    return {
        "forward expected": wanted[:, 0],
        "forward": [ahead[-1] for ahead, _ in found],
        "backward expected": wanted[:, 1],
        "backward": [back[0] for _, back in found],
    }


def conditions(fan_in: int, fan_out: int, seed: int, draws: int = 4000) -> Table:
    """Measure both gains of a linear layer for weights that suit the one direction, the other, or neither."""
    rules = ["fan-in", "glorot", "fan-out"]
    columns = gains(rules, [[fan_in, fan_out]] * 3, stream(seed, "lesson 3", "conditions"), draws)
    return stacked({"rule": ""} | dict.fromkeys(columns, "1"), {"rule": rules} | columns)


def draw_conditions(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw both gains for each choice of the variance: a line for the closed form, a mark for the measurement."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    places = np.arange(len(table))
    for (direction, (mark, line, colour)), shift in zip(DIRECTIONS.items(), (-0.1, 0.1), strict=True):
        exact = table[f"{direction} expected"]
        axes.hlines(exact, places + shift - 0.09, places + shift + 0.09, colour, line, linewidth=3)
        axes.plot(places + shift, table[direction], mark, color=colour, markersize=7, label=labels[direction])
    axes.set_xticks(places, [labels[f"short {rule}"] for rule in table["rule"]])
    axes.set(ylabel=labels["gain axis"], xlim=(-0.5, len(table) - 0.5))
    _scale(axes, table)
    axes.set_title(labels["conditions title"])
    axes.legend()
    return picture


def ratios(rule: str, largest: int, seed: int, draws: int = 1000) -> Table:
    """Measure the gains of a layer against the ratio of its fans, from 1/`largest` to `largest`."""
    wanted = float(largest) ** np.linspace(-1, 1, 9)
    pairs = [[round(SMALLER * max(1, 1 / ratio)), round(SMALLER * max(1, ratio))] for ratio in wanted]
    found = gains([rule] * len(pairs), pairs, stream(seed, "lesson 3", "ratios"), draws)
    product = np.prod([expected(rule, *pair) for pair in pairs], axis=1)
    columns = {"ratio": [fan_out / fan_in for fan_in, fan_out in pairs], **found, "product": product}
    return stacked(dict.fromkeys(columns, "1"), columns)


def draw_ratios(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw both gains and their product against the ratio of the fans."""
    return _lines(table, labels, "ratio", product=True)


def alternating(width: int, other: int, depth: int, rule: str, seed: int, draws: int = 2000) -> Table:
    """Measure signals and gradients in a linear net whose widths alternate."""
    widths = [(width, other)[layer % 2] for layer in range(depth + 1)]
    ahead, back = measured(rule, widths, stream(seed, "lesson 3", "alternating"), draws)
    gains = {pair: expected(rule, *pair) for pair in set(pairwise(widths))}
    steps = np.array([gains[pair] for pair in pairwise(widths)])
    columns: dict[str, object] = {
        "layer": np.arange(depth + 1),
        "width": widths,
        "forward expected": np.append(1, np.cumprod(steps[:, 0])),
        "forward": ahead,
        "backward expected": np.append(np.cumprod(steps[::-1, 1])[::-1], 1),
        "backward": back,
    }
    return stacked(dict.fromkeys(columns, "1"), columns)


def draw_alternating(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw mean squares of signals and of gradients, layer by layer."""
    return _lines(table, labels, "layer")


def _lines(table: Table, labels: Mapping[str, str], across: str, product: bool = False) -> Picture:
    """Draw closed forms of both directions as lines, and the measurements as marks."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    for direction, (mark, line, colour) in DIRECTIONS.items():
        axes.plot(table[across], table[f"{direction} expected"], line, color=colour)
        axes.plot(table[across], table[direction], mark, color=colour, label=labels[direction])
    axes.locator_params(axis="x", integer=True)
    if product:
        axes.plot(table[across], table["product"], ":", color="C2", linewidth=2.5, label=labels["product"])
    axes.set(xlabel=labels[f"{across} axis"], ylabel=labels[f"{across} gain axis"])
    if product:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(_fraction)
    _scale(axes, table)
    axes.set_title(labels[f"{across} title"])
    axes.legend()
    return picture


def _scale(axes: Axes, table: Table) -> None:
    """Give the picture a logarithmic axis, in powers of 2 where few are needed, and a line at 1."""
    values = np.concatenate([table.numbers(f"{name}{kind}") for name in DIRECTIONS for kind in ("", " expected")])
    low, high = min(0.25, values.min()), max(4.0, values.max())
    base = 2 if high / low < 2**10 else 10
    axes.axhline(1, color="0.4", linewidth=1)
    axes.set_yscale("log", base=base)
    margin = (high / low) ** 0.05
    axes.set_ylim(low / margin, high * margin)
    axes.minorticks_off()
    if base == 2:
        axes.yaxis.set_major_formatter(_fraction)


def _fraction(value: float, position: float) -> str:
    return f"{value:g}" if value >= 1 else f"1/{1 / value:g}"


def guessed_backward() -> float:
    """Return what weights that suit the forward direction of a layer 100 -> 300 do to gradients."""
    return expected("fan-in", 100, 300)[1]


def guessed_depth() -> float:
    """Return what twenty layers of widths 100, 300, 100, ... with Glorot's variance leave of the mean square."""
    return float(compromise.cycle_gain(100, 300)) ** 10


EXERCISES = (
    Exercise(
        "exercise 1",
        lambda a, b: compromise.backward(int(a), int(b)),
        at=[{"a": 100, "b": 300}, {"a": 50, "b": 20}],
        misconceptions={
            "forward": lambda a, b: compromise.forward(int(a), int(b)),
            "preserved": lambda a, b: 1,
            "fan-in": lambda a, b: b / a,
            "root": lambda a, b: math.sqrt(compromise.backward(int(a), int(b))),
        },
    ),
    Exercise(
        "exercise 2",
        lambda a, b, k: compromise.cycle_gain(int(a), int(b)) ** int(k),
        at=[{"a": 100, "b": 300, "k": 3}, {"a": 50, "b": 20, "k": 2}],
        misconceptions={
            "regained": lambda a, b, k: 1,
            "one layer": lambda a, b, k: compromise.forward(int(a), int(b)) ** int(k),
            "layers": lambda a, b, k: compromise.cycle_gain(int(a), int(b)) ** (2 * int(k)),
            "fans": lambda a, b, k: compromise.cycle_gain(int(a), int(b)) ** -int(k),
        },
    ),
    Exercise(
        "exercise 3",
        lambda: one_layer.uniform_bound(glorot.glorot_variance(100, 200)),
        misconceptions={
            "deviation": lambda: sp.sqrt(glorot.glorot_variance(100, 200)),
            "variance": lambda: glorot.glorot_variance(100, 200),
            "unit interval": lambda: sp.sqrt(12 * glorot.glorot_variance(100, 200)),
        },
        tolerance=0.005,
    ),
)
