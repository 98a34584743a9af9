"""Lesson 12: the audit of a network on a small net of NumPy: faults to find, and how small a fault a test finds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from audit.layers import band, test_layer
from audit.measured import Module
from audit.recognise import Recognised
from audit.report import Report
from audit.run import ALPHA, audit, judged
from audit.statement import Statement
from figures.tools.table import Table, stacked
from lessons.experiments.numpy_audit import Draw, measured, normal
from lessons.tools.exercise import Exercise
from lessons.tools.prose import Prose, typeset
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
FACTORS = np.geomspace(0.5, 2.0, 15)
"""What the variance of a layer is multiplied by where the power of a test is measured."""
AUDITS = 40
RATES = {"lax": 1e-2, "usual": 1e-6, "strict": 1e-10}
"""Error rates of one test; the audit gives each of a hundred tests 1e-6, so that it has 1e-4 together."""


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


def power(width: int, seeds: int, alpha: float, seed: int) -> Table:
    """Measure how often the test of a layer speaks against one whose variance is not what was claimed.

    One input and so many units, whose weights are Gaussian: the outputs are, too, and are drawn as such. In closed form
    the mean of seen / expected is chi-square of width times seeds degrees of freedom, over these.
    """
    rng = stream(seed, "lesson 12", "power", width, seeds)
    return stacked(
        dict.fromkeys(("factor", "found", "expected"), "1"),
        {
            "factor": FACTORS,
            "found": [np.mean([_is_found(rng, width, seeds, alpha, one) for _ in range(AUDITS)]) for one in FACTORS],
            "expected": [chance(width, seeds, alpha, one) for one in FACTORS.tolist()],
        },
    )


def _is_found(rng: np.random.Generator, width: int, seeds: int, alpha: float, factor: float) -> bool:
    said = _layer_test(factor * rng.chisquare(width, seeds) / width, width, alpha)
    return said.verdict == "against"


def _layer_test(seen: Array, width: int, alpha: float) -> Statement:
    """Put mean squares of outputs to the audit's test, against an expectation of 1."""
    ones = np.ones(len(seen))
    module = Module("layer", "Linear", width, len(seen), moments={"input mean square": ones})
    module.squares, module.expected, module.spread, module.rows = seen, ones, 2 / width * ones, width
    rule = Statement(kind="initialiser", where="layer", verdict="sound", words="")
    said = test_layer(module, {module.weight: [Recognised(rule, 1.0)]}, alpha)
    assert said is not None
    return said


def chance(width: int, seeds: int, alpha: float, factor: float) -> float:
    """Return the probability that the mean is outside its band, in closed form."""
    above, below = band(alpha, 2 / width, width, seeds)
    count = width * seeds
    law = stats.chi2(count, scale=factor / count)
    return float(law.cdf(1 - below) + law.sf(1 + above))


def sees(width: int, seeds: int, alpha: float) -> float:
    """Return the smallest error that the test sees almost surely, as the audit states it."""
    return _layer_test(np.ones(seeds), width, alpha).numbers["sees"]


def stated(width: int, seeds: int, alpha: float, prose: Prose) -> str:
    """Say that error, in per cent."""
    size = sees(width, seeds, alpha)
    return prose.label("percent").format(typeset(100 * size)) if size < math.inf else prose.label("no size")


def draw_power(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw the share of audits that speak against a layer over the factor on its variance."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FixedLocator

    picture, axes = plt.subplots()
    axes.set(xlabel=labels["power across"], ylabel=labels["power up"], title=labels["power title"], ylim=(-0.03, 1.2))
    axes.plot(table["factor"], table["expected"], color="C0", label=labels["column expected"])
    axes.plot(table["factor"], table["found"], "o", color="C0", clip_on=False, label=labels["column found"])
    axes.axvline(1, color="0.5", linewidth=1, zorder=0)
    axes.set_xscale("log")
    axes.minorticks_off()
    axes.xaxis.set_major_locator(FixedLocator([0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2]))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.legend(loc="upper center", ncols=2)
    return picture


def along(report: Report) -> Table:
    """Return the mean square that each layer but the first is given, and the output's, as predicted and as seen."""
    rows = [one.as_numbers() for one in report.places]
    units = dict.fromkeys(("place", "predicted", "low", "high", "measured", "standard error"), "1")
    columns = {name: [float(one[name]) for one in rows] for name in units if name != "place"}
    exact = all(one["reading"] == "exact" for one in rows)
    kept = [name for name in units if exact or name not in ("low", "high")]
    places = {"place": np.arange(1, len(rows) + 1)}
    return stacked(dict.fromkeys(kept, "1"), places | {name: columns[name] for name in kept if name != "place"})


def draw_along(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw what is predicted along a net, with a band where it is exact, and what was seen."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    axes.set(xlabel=labels["along across"], ylabel=labels["along up"], title=labels["along title"])
    exact = "low" in table.units
    if exact:
        low = np.maximum(table.numbers("low"), 1e-3)
        axes.fill_between(table["place"], low, table.numbers("high"), color="C0", alpha=0.2, linewidth=0)
    style, name = ("-", "predicted exact") if exact else ("--", "predicted field")
    axes.plot(table["place"], table["predicted"], style, color="C0" if exact else "C1", label=labels[name])
    errors = 2 * table.numbers("standard error")
    axes.errorbar(table["place"], table["measured"], errors, fmt="o", color="C0", label=labels["column measured"])
    axes.set_yscale("log")
    axes.minorticks_off()
    axes.yaxis.set_major_formatter("{x:g}")
    axes.locator_params(axis="x", integer=True)
    axes.legend(loc="lower left")
    return picture


def whole(report: Report) -> tuple[str, str]:
    """Return the kind of the statement on the whole net, and its verdict."""
    said = next(one for one in report.statements if one.kind in ("exact, whole net", "mean field"))
    return said.kind, said.verdict


def installed() -> bool:
    """Whether PyTorch is there, for the audit of a model of its own."""
    return find_spec("torch") is not None


def in_pytorch(seeds: int = 20) -> Report:
    """Audit the net of the question as a model of PyTorch: He's weights, but for one layer that nobody has set."""
    import torch
    from torch import nn

    sides = widths(DEPTH, WIDTH)

    def make() -> nn.Module:
        layers: list[nn.Module] = []
        for number, (inputs, outputs) in enumerate(pairwise(sides), start=1):
            layers += [nn.Linear(inputs, outputs, bias=False), nn.ReLU()]
            if number != middle(DEPTH):
                nn.init.kaiming_normal_(layers[-2].weight, nonlinearity="linear" if number == 1 else "relu")
        return nn.Sequential(*layers[:-1])

    with torch.random.fork_rng():
        return audit(
            make, np.ones((1, WIDTH), dtype=np.float32), seeds=seeds, claim={"*": "he_fan_in", "0.weight": "lecun"}
        )


def in_numbers(report: Report) -> dict[str, object]:
    """Return what the audit of PyTorch's model says: how many statements of each verdict, and the worst of a layer."""
    worst = next(one for one in report.statements if one.kind == "exact, given the input")
    return {
        **report.counts(),
        "seeds": report.seeds,
        "where": worst.where,
        "ratio": worst.numbers["seen / expected"],
        "low": worst.numbers["low"],
    }


def guessed_layers() -> int:
    """Return how many layers the test given the input is against, where one is drawn by LeCun for He."""
    return len(spoken_against(audited(DEPTH, WIDTH, SEEDS, "lecun", middle(DEPTH)), "exact, given the input"))


GUESSED_UNITS, GUESSED_FACTOR = 64, 1.1


def guessed_power() -> float:
    """Return in how many of 100 audits of 50 seeds a layer of 64 units, with 10 % too much variance, is found."""
    return 100 * chance(GUESSED_UNITS, SEEDS, RATES["usual"], GUESSED_FACTOR)


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
