"""How far one step of SGD moves the whole function, against depth, for six ways to start a residual net."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.drawing import beside, measured
from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.starts import STANDARD, nets
from figures.tools.table import Table, row, stacked
from simulations import Network, stream
from simulations.numbers.arrays import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="Only Fixup's rules 1 and 2 move the function alike at every depth",
    finding=(
        "For a loss of slope 1 a step moves f by 2 learning rates times ||x||^2 under Fixup's rules 1 and 2, with 1 or "
        "with 1000 blocks. The biases of rule 3 add L/n, or L/(10n) at the authors' tenth of the rate, as ReZero's "
        "multipliers add L/n; zero last layers alone move it by 1 + L, branches scaled by 1/sqrt L by about e L, and "
        "standard ones by about (3/4) L 2^L."
    ),
    alt=(
        "Line chart, both axes logarithmic: change of the function per learning rate against 1 to 1000 blocks. Fixup "
        "without scalars is flat at 2, Fixup rises to 8, ReZero to 63, zero last layers to 1000, 1/sqrt L to 2700, and "
        "standard initialisation leaves the chart after 10 blocks. Points, measured at width 16, lie on the lines."
    ),
    source="Zhang, Dauphin & Ma 2019, section 3: the aim, of which they show no figure",
    parameters={
        "width": 16,
        "blocks": [1, 3, 10, 30, 100, 300, 1000],
        "standard": [1, 2, 3, 5, 7, 10],
        "draws": 48,
        "scalars": 0.1,
    },
    tolerance=1e-5,
)
UNITS = {"start": "", "blocks": "1", "expected": "1", "measured": "1", "error": "1"}
AT_ONCE = 1 << 23
"""Weights that are drawn at a time."""


def moved(network: Network, x: Array, rate: float, scalars: float, rng: np.random.Generator, draws: int) -> Array:
    """Take a step on the loss f, scalars at their share of the rate; return what f falls by, over the rate."""
    before = network.draw(rng, draws)
    x = np.broadcast_to(x, (draws, *x.shape))
    run = network.run(before, x)
    after = dict(before)
    for name, gradient in run.gradients(np.ones((draws, 1, 1))).items():
        share = 1.0 if name.endswith("weight") else scalars
        after[name] = before[name] - share * rate * gradient.reshape(before[name].shape)
    fallen: Array = (run.output - network.run(after, x).output)[:, 0, 0] / rate
    return fallen


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Take the steps from an input of ones; rates are so small that f falls by 1e-7, far above rounding."""
    width, share = parameters["width"], parameters["scalars"]
    draws = max(40, int(DRAWS[effort] * parameters["draws"]))
    groups: list[dict[str, object]] = []
    fine = np.geomspace(1, parameters["blocks"][-1], 20).round().astype(int)
    for blocks in sorted({*fine.tolist(), *parameters["blocks"], *parameters["standard"]}):
        for start, (network, expected) in nets(width, blocks, share).items():
            if start == STANDARD and blocks > 2 * parameters["standard"][-1]:
                continue
            seen = np.full(2, np.nan)
            if blocks in parameters["standard" if start == STANDARD else "blocks"]:
                rng, at_once = stream(seed, "update", start, blocks), max(1, AT_ONCE // (2 * blocks * width**2))
                rate, parts = 1e-7 / (expected * width), [at_once] * (draws // at_once) + [draws % at_once]
                factor = 1.0 if start == "ReZero" else share
                seen = np.concatenate(
                    [moved(network, np.ones((1, width)), rate, factor, rng, part) / width for part in parts if part]
                )
            error = seen.std(ddof=1) / np.sqrt(len(seen))
            groups.append(row(UNITS, start, blocks, expected, seen.mean(), error))
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw lines and points, each line named where it ends."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    deepest = parameters["blocks"][-1]
    for start, cycle, mark in zip(
        dict.fromkeys(table["start"].tolist()), plt.rcParams["axes.prop_cycle"], "v^Dso*", strict=False
    ):
        rows = table.where(start=start)
        blocks, expected = rows.numbers("blocks"), rows.numbers("expected")
        axes.plot(blocks, expected, **cycle)
        measured(axes, rows, "blocks", mark, **cycle)
        if start == STANDARD:
            leaves = np.exp(np.interp(np.log(4e3), np.log(expected), np.log(blocks)))
            beside(axes, start.replace(", ", ",\n"), (leaves, 4e3), (-8, 0), **cycle)
        else:
            beside(axes, start.replace(", ", ",\n"), (deepest, expected[-1]), **cycle)
    axes.set(xscale="log", yscale="log", xlim=(0.9, deepest * 1.15), ylim=(0.8, 2e4), xlabel="residual blocks $L$")
    axes.set_ylabel(r"change of $f$ in a step, $-\Delta f\,/\,(\eta\,\|x_0\|^2)$")
    return picture
