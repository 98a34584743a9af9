"""Lesson 2: a pre-activation as a sum of random terms, what shared weights and means do to it, and its law."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from figures.tools.table import Table, stacked
from lessons.tools.exercise import Exercise
from simulations import gaussian, lecun, rademacher, stream, torch_default, uniform
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import Initialiser
from theory.layer import one_layer, pre_activations

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

LAWS = {"normal": (gaussian, 3), "uniform": (uniform, pre_activations.uniform_kurtosis()), "signs": (rademacher, 1)}
"""Laws of weights by name, each with its kurtosis."""
POINTS, PATHS, WIDEST = 80, 12, 4.2
BIN = 0.2
"""Width of the histogram's bins, in standard deviations."""


def weights(rule: str, deviation: float) -> Initialiser:
    """Return the initialiser of a rule: fixed (one deviation at any fan-in), fan-in rule, or PyTorch's default."""
    if rule == "torch":
        return torch_default
    return lecun.scaled(deviation) if rule == "fan-in rule" else Initialiser(lambda fan_in, fan_out: deviation**2)


def inputs(kind: str, fan_in: int, rng: np.random.Generator) -> Array:
    """Return inputs of mean square 1: all equal, random signs, or what a ReLU makes of normal numbers."""
    if kind == "equal":
        return np.ones(fan_in)
    if kind == "random signs":
        return rademacher(rng, (fan_in,))
    rectified: Array = math.sqrt(2) * np.maximum(rng.standard_normal(fan_in), 0)
    return rectified


def sums(
    rule: str, deviation: float, fan_in: int, seed: int, kind: str = "equal", shared: float = 0, draws: int = 1000
) -> Table:
    """Add up the terms of a pre-activation, at fixed inputs, for many draws of the weights.

    `shared` is the correlation of any two weights of a unit: w = sqrt(shared) u + sqrt(1 - shared) e with one u for all
    of them. Then z is a sum with uncorrelated weights over one input more.
    """
    rng, init = stream(seed, "lesson 2", "sums"), weights(rule, deviation)
    x = inputs(kind, fan_in, rng)
    own = init.draw(rng, draws, fan_in, 1)[..., 0]
    common = init.draw(rng, draws, fan_in, 1)[:, :1, 0] if shared else 0.0
    terms = np.unique(np.linspace(0, fan_in, POINTS).round().astype(int))
    added = np.cumsum((math.sqrt(shared) * common + math.sqrt(1 - shared) * own) * x, axis=1)
    z = np.concatenate([np.zeros((draws, 1)), added], axis=1)[:, terms]
    squares, totals = (np.concatenate([[0.0], np.cumsum(one)])[terms] for one in (x**2, x))
    one = float(one_layer.second_moment(1, init.deviation(fan_in, 1) ** 2, 1))
    low, high = np.quantile(z, (0.05, 0.95), axis=0)
    columns: dict[str, object] = {
        "terms": terms,
        "expected": np.sqrt(one * ((1 - shared) * squares + shared * totals**2)),
        "independent": np.sqrt(one * squares),
        "measured": np.sqrt(np.mean(z**2, axis=0)),
        "low": low,
        "high": high,
    }
    paths = {f"unit {place + 1}": z[place] for place in range(PATHS)}
    return stacked(dict.fromkeys((*columns, *paths), "1"), {**columns, **paths})


def draw_sums(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw a dozen units as paths, nine tenths of all as a band, and plus and minus the root mean square."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    terms, expected, measured = table.numbers("terms"), table.numbers("expected"), table.numbers("measured")
    axes.fill_between(terms, table.numbers("low"), table.numbers("high"), color="0.9", label=labels["band"])
    paths = np.stack([table.numbers(f"unit {place + 1}") for place in range(PATHS)], axis=1)
    axes.plot(terms, paths, color="0.55", linewidth=0.8, label=[labels["paths"]] + ["_"] * (PATHS - 1))
    some = slice(len(table) - 1, None, -max(1, len(table) // 16))
    dependent = not np.allclose(expected, table.numbers("independent"))
    for sign, hidden in ((1, ""), (-1, "_")):  # a label that begins with _ is not in the legend
        axes.plot(terms, sign * expected, color="C0", linewidth=2.2, label=hidden + labels["closed form"])
        axes.plot(terms[some], sign * measured[some], "o", color="C1", label=hidden + labels["measured"])
        if dependent:
            alone = sign * table.numbers("independent")
            axes.plot(terms, alone, "--", color="C2", label=hidden + labels["independent"])
    axes.set(xlabel=labels["terms axis"], ylabel=labels["sum axis"])
    axes.set_title(labels["sums title"])
    picture.legend(loc="outside lower center", ncols=5, fontsize="small", columnspacing=1, handlelength=1.5)
    return picture


def products(weight_mean: float, spread: float, seed: int, pairs: int = 50_000) -> Table:
    """Measure the variance of a weight times an independent input, both normal, against the input's mean."""
    rng, means = stream(seed, "lesson 2", "products"), np.linspace(-3, 3, 13)
    found = []
    for mean in means:
        w, x = weight_mean + gaussian(rng, (pairs,)), mean + spread * gaussian(rng, (pairs,))
        found.append(np.var(w * x, ddof=1))
    expected = [float(pre_activations.product_variance(weight_mean, 1, mean, spread**2)) for mean in means]
    columns: dict[str, object] = {
        "mean": means,
        "expected": expected,
        "measured": found,
        "wrong": float(spread**2),
    }
    return stacked(dict.fromkeys(columns, "1"), columns)


def draw_products(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw the variance of the product against the input's mean, and the product of the variances."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    axes.plot(table["mean"], table["expected"], label=labels["closed form"])
    axes.plot(table["mean"], table["measured"], "o", color="C1", label=labels["measured"])
    axes.plot(table["mean"], table["wrong"], "--", color="C2", label=labels["wrong"])
    axes.set(xlabel=labels["mean axis"], ylabel=labels["variance axis"])
    axes.set_ylim(0, 1.1 * max(1, table.numbers("expected").max(), table.numbers("measured").max()))
    axes.set_title(labels["products title"])
    axes.legend()
    return picture


def law(fan_in: int, kind: str, seed: int, draws: int = 50_000) -> Table:
    """Measure the density and the fourth moment of a pre-activation of variance 1, its inputs all equal."""
    rng, (entries, kurtosis) = stream(seed, "lesson 2", "law"), LAWS[kind]
    z = lecun.with_law(entries).draw(rng, draws, fan_in, 1).sum(axis=(1, 2))
    if kind == "signs":  # its values are lattice points: one bin about each
        step, centres = 2 / math.sqrt(fan_in), (2 * np.arange(fan_in + 1) - fan_in) / math.sqrt(fan_in)
        centres = centres[np.abs(centres) < WIDEST]
    else:
        step, centres = BIN, np.linspace(-4, 4, 41)
    edges = np.append(centres - step / 2, centres[-1] + step / 2)
    columns: dict[str, object] = {
        "z": centres,
        "measured": np.histogram(z, edges)[0] / (draws * step),
        "normal": np.exp(-np.square(centres) / 2) / math.sqrt(2 * math.pi),
        "expected": float(pre_activations.fourth_moment(kurtosis, 1 / fan_in)),
        "fourth": float(np.mean(z**4)),
    }
    return stacked(dict.fromkeys(columns, "1"), columns)


def draw_law(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw the measured density as bars and the normal density as a line."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    centres, fine = table.numbers("z"), np.linspace(-WIDEST, WIDEST, 200)
    density = np.exp(-np.square(fine) / 2) / math.sqrt(2 * math.pi)
    bars = 9 if math.isclose(centres[1] - centres[0], BIN) else 5  # values that stand apart are drawn apart
    axes.vlines(centres, 0, table.numbers("measured"), color="C6", linewidth=bars, label=labels["measured"])
    axes.plot(fine, density, color="C4", label=labels["normal density"])
    axes.set(xlabel=labels["z axis"], ylabel=labels["density axis"], xlim=(-WIDEST, WIDEST))
    axes.set_ylim(0, max(0.45, 1.1 * table.numbers("measured").max()))
    axes.set_title(labels["law title"])
    axes.legend()
    return picture


def guessed_sum() -> float:
    """Return the root mean square of a sum of a hundred weights of variance 1."""
    return math.sqrt(float(one_layer.second_moment(1, 1, 100)))


def guessed_product() -> float:
    """Return Var(w x) for w of mean 0 and x of mean 2, both of variance 1."""
    return float(pre_activations.product_variance(0, 1, 2, 1))


def needed(kurtosis: float, near: float = 0.1) -> float:
    """Return the fan-in at which the fourth moment, 3 less something in 1/n, is so near to 3."""
    return (3 - float(pre_activations.fourth_moment(kurtosis, 1))) / near


EXERCISES = (
    Exercise(
        "exercise 1",
        lambda n, v, m, q: n * pre_activations.product_variance(0, v, m, q),
        at=[{"n": 3, "v": 0.5, "m": 2, "q": 1.5}, {"n": 10, "v": 2, "m": 0.5, "q": 3}],
        misconceptions={
            "variances": lambda n, v, m, q: n * v * q,
            "mean": lambda n, v, m, q: n * v * (q + m),
            "one input": lambda n, v, m, q: v * (q + m**2),
            "aligned": lambda n, v, m, q: n**2 * v * (q + m**2),
        },
    ),
    Exercise(
        "exercise 2",
        lambda n: pre_activations.torch_second_moment(int(n)),
        at=[{"n": 1}, {"n": 4}, {"n": 10}],
        misconceptions={
            "no bias": lambda n: 1 / 3,
            "bound": lambda n: 1 + 1 / n,
            "root": lambda n: (1 + 1 / n) / math.sqrt(3),
            "unit interval": lambda n: (1 + 1 / n) / 12,
        },
    ),
    Exercise(
        "exercise 3",
        lambda: needed(float(pre_activations.uniform_kurtosis())),
        misconceptions={"signs": lambda: needed(1), "kurtosis": lambda: 18, "no limit": lambda: 1.2},
        tolerance=0.001,
    ),
)
