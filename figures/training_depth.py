"""Accuracy after one epoch against depth, for Fixup and what it competes with: Fixup's figure 3, on digits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.drawing import beside, joined
from figures.tools.epochs import accuracy, known
from figures.tools.figure import Effort, Figure
from figures.tools.table import Table, row, stacked

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="Fixup trains 10,000 layers like 10, if its scalars learn slowly enough",
    finding=(
        "After one epoch of 20 steps without momentum on digits Fixup gets 82 of 100 right with 10 layers and 85 with "
        "10,000 when its scalars learn at 1/1000 of the rate, and 36 with 10,000 at the authors' 1/10; BatchNorm after "
        "each layer falls from 93 to 70, before each layer from 91 to 76, LSUV to 43 at 1,000 and then diverges, He's "
        "initialisation diverges from 100 on, and averaging by sqrt(1/2) is at chance there."
    ),
    alt=(
        "Line chart: test accuracy after one epoch without momentum against depth, 10 to 10,000 layers, logarithmic. "
        "Fixup with slow scalars stays near 0.85; with scalars at 1/10 it falls beyond 100 layers, as does BatchNorm "
        "after and, less, before each layer; LSUV falls and sqrt(1/2) is at chance, 0.1, from 100 layers; crosses "
        "below the axis mark runs that diverged. Bars span seeds."
    ),
    source=(
        "Zhang, Dauphin & Ma 2019, figure 3: there convolutional nets on CIFAR-10 at BatchNorm's default rate, here "
        "dense ones on digits, each at its best of five rates without momentum, which "
        "benchmarks/results/depth.json found; slow cells are from there, too"
    ),
    parameters={
        "width": 32,
        "batch": 64,
        "depths": [10, 100, 1000, 10000],
        "starts": {
            "Fixup, scalars at 1/1000": ["fixup", 0.001],
            "Fixup, scalars at 1/10": ["fixup", 0.1],
            "BatchNorm after": ["batch_norm", 0.1],
            "LSUV": ["lsuv", 0.1],
            r"$\sqrt{1/2}$ scaling": ["sqrt_half", 0.1],
            "He": ["he", 0.1],
            "BatchNorm before": ["batch_norm_pre", 0.1],
        },
        "seeds": 3,
        "deepest": "Fixup, scalars at 1/1000",
    },
    effort="quick",
    this_machine_only=True,
    key={"bars": "measured, bars over 3 seeds", "join": "joins measured points: no closed form"},
)
UNITS = {"start": "", "layers": "1", "rate": "1", "seed": "1", "trained": "1", "expected": "1", "measured": "1"}
CHANCE = 0.1


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Train every net at the rate that the benchmark chose; at quick effort the slow ones are read from it.

    There is no closed form: what is expected is chance. An accuracy of NaN is that of a run that diverged.
    """
    found, groups = known(), []
    rates = {(name, factor, layers): rate for name, factor, layers, rate, _ in found}
    for label, (name, factor) in parameters["starts"].items():
        for layers in parameters["depths"]:
            rate = rates[name, factor, layers]
            for one in range(seed, seed + parameters["seeds"]):
                slow = layers > 100 and (one > seed or (layers > 1000 and label != parameters["deepest"]))
                cell = (name, factor, layers, rate, one)
                if slow and effort == "quick" and cell not in found:
                    continue
                trained = not (slow and effort == "quick")
                measured = accuracy(name, factor, rate, layers, one, parameters) if trained else found[cell]
                groups.append(row(UNITS, label, layers, rate, one, float(trained), CHANCE, measured))
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw means over seeds with their range, and a cross below the axis for every net of which a run diverged."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    cycles = zip(parameters["starts"], plt.rcParams["axes.prop_cycle"], "os^Dv*P", strict=False)
    below = 0.0
    for position, (label, cycle, mark) in enumerate(cycles):
        rows = table.where(start=label)
        depths, measured = np.unique(rows.numbers("layers")), rows.numbers("measured")
        here = [measured[rows["layers"] == depth] for depth in depths]
        lost = np.array([bool(np.isnan(some).any()) for some in here])
        low, mean, high = np.array([[np.min(some), np.mean(some), np.max(some)] for some in here]).T
        aside = 1.05 ** (position - 3)
        bars = np.abs(np.array([mean - low, high - mean]))
        joined(axes, depths * aside, mean, **cycle)
        axes.errorbar(depths * aside, mean, bars, fmt=mark, capsize=2, **cycle)
        if lost.any():
            below -= 0.07
            axes.plot(depths[lost], np.full(lost.sum(), below), "x", clip_on=False, **cycle)
            first = (depths[lost][0], below)
            beside(axes, f"{label} diverged", first, (-8, 0), **cycle)
        if not lost[-1]:
            up = 5 if label == parameters["deepest"] else 0
            beside(axes, label.replace(", ", ",\n"), (depths[-1], mean[-1]), (14, up), **cycle)
        else:
            last = np.flatnonzero(~lost)[-1]
            beside(axes, label, (depths[last] * aside, mean[last]), (9, 3), va="baseline", **cycle)
    axes.axhline(CHANCE, color="0.4", linewidth=0.9, linestyle="--")
    axes.text(depths[0], CHANCE, "chance", va="bottom", color="0.4")
    axes.set(xscale="log", xlim=(depths[0] / 2, depths[-1] * 1.3), ylim=(below - 0.05, 1), yticks=np.linspace(0, 1, 6))
    axes.set(xlabel="weight layers", ylabel="test accuracy after one epoch, no momentum")
    return picture
