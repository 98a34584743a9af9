"""Lesson 12: the audit of a network on a small net of NumPy: faults to find, and how small a fault a test finds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from audit.report import Report
from audit.run import ALPHA, judged
from audit.statement import Statement
from figures.tools.table import Table, stacked
from lessons.experiments.numpy_audit import Draw, measured, normal
from lessons.tools.exercise import Exercise
from lessons.tools.prose import Prose
from simulations import stream
from simulations.numbers.arrays import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture

FAULTS = ("sound", "lecun", "default", "swapped", "slight", "copied")
PATIENTS = {"A": ("slight", 4), "B": ("swapped", 5), "C": ("copied", 6), "D": ("default", 3), "E": ("sound", 4)}
"""What is wrong with each, and in which layer; with B in all."""
DEPTH, PATIENTS_DEPTH, WIDTH, SEEDS = 6, 8, 32, 50
KINDS = ("initialiser", "exact, given the input", "exact, whole net", "draws")
"""Kinds of statement that the lesson tells apart."""
CAUSES = {
    "fan_in and fan_out swapped": "swapped",
    "variance 1 / fan_in (LeCun)": "lecun",
    "variance 2 / fan_out (He by fan_out)": "fan_out",
    "variance 1 / (3 fan_in) (PyTorch's default: kaiming_uniform_ with a = sqrt 5)": "default",
    "a factor of 2 left out, such as the rectifier's gain": "half",
    "a factor of 2 too much, such as a rectifier's gain where there is none": "double",
    "a layer was copied after it was drawn, or a seed set twice": "copied",
    "fits no cause known here": "unknown",
}
"""Causes that the audit names, and the labels that say them; those of convolutions are left out."""


def widths(depth: int, width: int) -> list[int]:
    """Return the sides of the matrices, from the input on: the width and its double by turns."""
    return [width * (1 + number % 2) for number in range(depth + 1)]


def net(depth: int, width: int, fault: str, place: int, function: str) -> Draw:
    """Return how a net is drawn: He for ReLU and LeCun for tanh, with a fault in the layer `place`, counted from 1."""
    sides = widths(depth, width)

    def draw(rng: np.random.Generator) -> list[Array]:
        made: list[Array] = []
        for layer, (inputs, outputs) in enumerate(pairwise(sides), start=1):
            gain = 2 if function == "ReLU" and layer > 1 else 1
            sick = fault if layer == place or (fault == "swapped" and layer > 1) else "sound"
            made.append(_drawn(rng, outputs, inputs, gain / inputs, sick, made))
        return made

    return draw


def _drawn(
    rng: np.random.Generator, outputs: int, inputs: int, variance: float, fault: str, made: list[Array]
) -> Array:
    match fault:
        case "default":
            return rng.uniform(-(inputs**-0.5), inputs**-0.5, (outputs, inputs))
        case "copied":
            return made[-2]
    factor = {"sound": 1.0, "lecun": 0.5, "halved": 0.5, "swapped": inputs / outputs, "slight": 0.9}[fault]
    return normal(rng, outputs, inputs, factor * variance)


def claim(function: str) -> dict[str, str]:
    """Return what is claimed of the weights; before the first layer there is no rectifier."""
    return {"*": "he_fan_in", "01.weight": "lecun"} if function == "ReLU" else {"*": "lecun"}


@lru_cache(maxsize=32)
def audited(
    depth: int, width: int, seeds: int, fault: str, place: int, function: str = "ReLU", seed: int = 0
) -> Report:
    """Audit the net at one input of mean square 1."""
    x = stream(seed, "lesson 12", "input").standard_normal((1, width))
    x /= np.sqrt(np.mean(x**2))
    return judged(measured(net(depth, width, fault, place, function), x, function, seeds, seed), claim(function))


def middle(depth: int) -> int:
    """Return the layer in which a fault is."""
    return depth // 2 + 1


def given_input(report: Report) -> list[Statement]:
    """Return the statements on the layers given their input, from the first layer on."""
    return sorted((one for one in report.statements if one.kind == "exact, given the input"), key=lambda one: one.where)


def spoken_against(report: Report, kind: str) -> list[int]:
    """Return the layers that statements of a kind are against; of the whole net the first one that is off."""
    if kind == "exact, whole net":
        off = any(one.kind == kind and one.verdict == "against" for one in report.statements)
        wrong = [one for one in report.places if one.finding is not None and one.finding.verdict == "refuted"]
        return [1 + _place(report, wrong[0].name)] if off and wrong else []
    return sorted(
        int(one.where.partition(".")[0]) for one in report.statements if (one.kind, one.verdict) == (kind, "against")
    )


def _place(report: Report, name: str) -> int:
    """Return the place of a name among those along the net."""
    return [one.name for one in report.places].index(name)


def ratios(report: Report) -> Table:
    """Return seen / expected up to each layer, and of each layer given its input, with the bands of both.

    The band of the whole net is the audit's: two standard deviations at most. That of a layer is what a sound one
    leaves with the probability of its share of the false alarms.
    """
    layers, along = given_input(report), [one.as_numbers() for one in report.places]
    predicted = np.array([float(one["predicted"]) for one in along])
    return stacked(
        dict.fromkeys(("layer", "whole", "low", "high", "given", "given low", "given high"), "1"),
        {
            "layer": np.arange(1, len(layers) + 1),
            **{to: np.array([float(one[of]) for one in along]) / predicted
               for to, of in (("whole", "measured"), ("low", "low"), ("high", "high"))},
            "given": [one.numbers["seen / expected"] for one in layers],
            "given low": [one.numbers["low"] for one in layers],
            "given high": [one.numbers["high"] for one in layers],
        },
    )  # fmt: skip


def without_bands(table: Table) -> Table:
    """Return what was measured alone."""
    kept = ("layer", "whole", "given")
    return Table({name: table[name] for name in kept}, dict.fromkeys(kept, "1"))


def draw_ratios(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw the whole net on the left and layer by layer on the right; rings are outside their bands."""
    import matplotlib.pyplot as plt

    picture, (left, right) = plt.subplots(1, 2, sharey=True)
    left.set(xlabel=labels["whole across"], ylabel=labels["ratio up"], title=labels["whole title"])
    right.set(xlabel=labels["given across"], title=labels["given title"])
    for axes, seen, low, high in ((left, "whole", "low", "high"), (right, "given", "given low", "given high")):
        _ratios(axes, table, seen, (low, high) if low in table.units else None)
    most = max(2.5, 1.3 * max(np.exp(np.abs(np.log(table.numbers(one)))).max() for one in ("whole", "given")))
    left.set_ylim(1 / most, most)
    return picture


def _ratios(axes: Axes, table: Table, seen: str, ends: tuple[str, str] | None) -> None:
    from matplotlib.ticker import FixedLocator

    layers, points = table["layer"], table.numbers(seen)
    axes.axhline(1, color="C0")
    if ends is not None:
        low, high = (table.numbers(one) for one in ends)
        axes.fill_between(layers, np.maximum(low, 1e-3), high, color="C0", alpha=0.2, linewidth=0)
        out = (points < low) | (points > high)
        axes.plot(layers[out], points[out], "o", color="C1", fillstyle="none", ms=13)
    axes.plot(layers, points, "o", color="C0")
    axes.set_yscale("log")
    axes.minorticks_off()
    axes.yaxis.set_major_locator(FixedLocator([1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16]))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_major_locator(FixedLocator(layers.tolist() if len(layers) < 9 else layers[1::2].tolist()))


def told(report: Report, prose: Prose) -> str:
    """Say what the statements are against, kind by kind."""
    found = [(kind, spoken_against(report, kind)) for kind in KINDS]
    lines = [
        prose.label("told").format(kind=prose.label(f"kind {kind}"), layers=", ".join(map(str, layers)))
        for kind, layers in found
        if layers
    ]
    return _between(prose).join(lines) or prose.label("nothing")


def causes(report: Report) -> list[str]:
    """Return the causes that the audit names for the first thing that it is against, by their labels."""
    said = [one for one in report.statements if one.verdict == "against" and one.kind in ("initialiser", "draws")]
    first = min(said, key=lambda one: one.where, default=None)
    heads = [one.rpartition(": ")[0] or one for one in first.cause.split("; ")] if first else []
    return [CAUSES.get(one, one) for one in heads if "groups" not in one and "one block" not in one]


def why(report: Report, prose: Prose) -> str:
    """Say these causes."""
    return _between(prose).join(prose.label(f"cause {one}") for one in causes(report)) or prose.label("no cause")


def _between(prose: Prose) -> str:
    """Return what stands between two things said: Chinese takes no blank behind it."""
    mark = prose.label("between")
    return f"{mark} " if mark.isascii() else mark


def guessed_layers() -> int:
    """Return how many layers the test given the input is against, where one is drawn by LeCun for He."""
    return len(spoken_against(audited(DEPTH, WIDTH, SEEDS, "lecun", middle(DEPTH)), "exact, given the input"))


EXERCISES = (
    Exercise(
        "exercise 1",
        lambda a, b: (2 / b) / (2 / a),
        at=[{"a": 64, "b": 128}, {"a": 128, "b": 64}, {"a": 100, "b": 10}],
        misconceptions={
            "inverse": lambda a, b: b / a,
            "glorot": lambda a, b: 2 * a / (a + b),
            "root": lambda a, b: (a / b) ** 0.5,
        },
    ),
    Exercise(
        "exercise 2",
        lambda m, S: math.sqrt(2 / (m * S)),
        at=[{"m": 64, "S": 50}, {"m": 16, "S": 50}, {"m": 64, "S": 3}],
        misconceptions={
            "variance": lambda m, S: 2 / (m * S),
            "one": lambda m, S: math.sqrt(2 / m),
            "normal": lambda m, S: math.sqrt(1 / (m * S)),
        },
    ),
    Exercise(
        "exercise 3",
        lambda: 1000 * ALPHA,
        misconceptions={"tests": lambda: 1000 * ALPHA * 30, "share": lambda: 1000 * ALPHA / 30, "one": lambda: ALPHA},
    ),
)
