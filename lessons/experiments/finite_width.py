"""Lesson 5: what layers do to the variance of the norm, averages that mislead, and nets that die."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

from figures.tools.table import Table, stacked
from lessons.experiments.norm_law import DRAWS, log_moments_of, norms
from lessons.tools.exercise import Exercise
from theory import symbols
from theory.fluctuations import dying, log_moments
from theory.fluctuations import norms as fluctuations

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture


def growth(width: int, depth: int, nets: int, seed: int) -> Table:
    """Measure the relative variance of the square norm in every layer, of so many nets."""
    ratios = np.exp2(norms(width, depth, nets, seed, "growth"))[:, 1:]
    layers, step = np.arange(1, depth + 1), float(fluctuations.relative_variance([width]))
    return stacked(
        dict.fromkeys(("layer", "expected", "exponential", "added", "measured"), "1"),
        {
            "layer": layers,
            "expected": np.expm1(layers * math.log1p(step)),
            "exponential": np.expm1(layers * float(log_moments.leading_beta([width]))),
            "added": layers * step,
            "measured": ratios.var(axis=0, ddof=1),
        },
    )


def draw_growth(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw the exact product, its exponential limit, the sum, and the measured points."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    layers, some = table["layer"], slice(None, None, max(1, len(table) // 20))
    mark = "s" if len(table) == 1 else ""
    axes.plot(layers, table["expected"], marker=mark, label=labels["product"])
    axes.plot(layers, table["exponential"], ":", color="C2", label=labels["exponential"])
    axes.plot(layers, table["added"], "--", color="0.5", label=labels["added"])
    axes.plot(layers[some], table["measured"][some], "o", color="C1", label=labels["measured"])
    axes.set(yscale="log", xlabel=labels["layer axis"], ylabel=labels["relative axis"], title=labels["growth title"])
    low, high = axes.get_ylim()
    axes.set_ylim(low / 2, 2 * high)
    axes.legend()
    return picture


def running(width: int, depth: int, seed: int, nets: int = 20_000) -> Table:
    """Average the square norm over the first N nets, for N up to 20,000."""
    logs = norms(width, depth, nets, seed, "running")[:, -1]
    counts = np.unique(np.geomspace(1, nets, 120).astype(int))
    alive = np.isfinite(logs)
    means = np.cumsum(np.exp2(logs)) / np.arange(1, nets + 1)
    sums = np.cumsum(np.where(alive, logs, 0)) / np.maximum(1, np.cumsum(alive))
    return stacked(
        dict.fromkeys(("nets", "measured", "expected", "error", "typical measured", "typical"), "1"),
        {
            "nets": counts,
            "measured": means[counts - 1],
            "expected": 1.0,
            "error": np.sqrt(float(fluctuations.relative_variance([width] * depth)) / counts),
            "typical measured": np.exp2(sums)[counts - 1],
            "typical": math.exp(depth * log_moments_of(width)[0]),
        },
    )


def draw_running(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw both averages against the number of nets."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    nets = np.log10(table.numbers("nets"))
    for kind, color in (("measured", "C1"), ("typical measured", "C0")):
        axes.plot(nets, table[kind], color=color, label=labels[f"running {kind}"])
    axes.plot(nets, table["expected"], "--", color="C1", label=labels["running expected"])
    axes.plot(nets, table["typical"], "--", color="C0", label=labels["running typical"])
    top = 1.35 * max(1.2, table.numbers("measured").max(), table.numbers("typical measured").max())
    axes.set(xlabel=labels["nets axis"], ylabel=labels["average axis"], ylim=(0, top), title=labels["running title"])
    axes.legend(ncols=2, loc="upper center")
    return picture


def dead(width: int, depth: int, seed: int) -> Table:
    """Count the nets whose state is exactly 0, layer by layer."""
    layers = np.arange(depth + 1)
    survives = 1 - float(dying.dead_probability([width]))
    found = np.isneginf(norms(width, depth, DRAWS, seed, "dead")).mean(axis=0)
    return stacked(
        {"layer": "1", "expected": "1", "measured": "1"},
        {"layer": layers, "expected": 1 - survives**layers, "measured": found},
    )


def draw_dead(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw the probability as a line and the shares as points."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    some = slice(None, None, max(1, len(table) // 25))
    axes.plot(table["layer"], table["expected"], label=labels["closed form"])
    axes.plot(table["layer"][some], table["measured"][some], "o", label=labels["measured"])
    axes.set(xlabel=labels["layer axis"], ylabel=labels["dead axis"], ylim=(-0.03, 1.03), title=labels["dead title"])
    axes.legend()
    return picture


def guessed(width: int = 32, depth: int = 32) -> dict[str, float]:
    """Return the answers to the questions "law" and "running".

    The typical square norm over its mean, and how many nets average to a relative standard error of 0.1.
    """
    spread = float(fluctuations.relative_variance([width] * depth))
    return {"law": math.exp(depth * log_moments_of(width)[0]), "running": spread / 0.1**2}


@cache
def narrowest(layers: int = 100) -> float:
    """Return the width at which so many layers have a relative variance of 1."""
    width = sp.Symbol("n", positive=True)
    step = fluctuations.ratio_moment(2).result.subs(symbols.N, width)
    return float(sp.solve(sp.Eq(step, sp.Integer(2) ** sp.Rational(1, layers)), width)[0])


EXERCISES = (
    Exercise(
        "exercise 1",
        lambda n, L: fluctuations.relative_variance([int(n)] * int(L)),
        at=[{"n": 10, "L": 2}, {"n": 5, "L": 3}, {"n": 20, "L": 7}],
        misconceptions={
            "added": lambda n, L: 5 * L / n,
            "exponential": lambda n, L: math.expm1(5 * L / n),
            "second moment": lambda n, L: (1 + 5 / n) ** L,
            "linear": lambda n, L: (1 + 2 / n) ** L - 1,
        },
    ),
    Exercise(
        "exercise 2",
        narrowest,
        misconceptions={"added": lambda: 500, "one layer": lambda: 5, "linear": lambda: 2 / (2**0.01 - 1)},
        tolerance=0.005,
    ),
    Exercise(
        "exercise 3",
        lambda n, L: dying.dead_probability([int(n)] * int(L)),
        at=[{"n": 3, "L": 4}, {"n": 2, "L": 3}, {"n": 1, "L": 5}],
        misconceptions={
            "added": lambda n, L: L * 2**-n,
            "alive": lambda n, L: (1 - 2**-n) ** L,
            "one layer": lambda n, L: 2**-n,
            "one unit": lambda n, L: 1 - 2**-L,
            "exchanged": lambda n, L: 1 - (1 - 2**-L) ** n,
        },
    ),
)
