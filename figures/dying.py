"""Nets dead at the start: the probability that the last state is exactly 0, against depth, and with dropout."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.table import Table, stacked
from simulations import Dense, Network, Sequential, he, measure, mlp, stream
from simulations.layers.activations import Dropout
from simulations.networks.blocks import RELU
from theory.fluctuations.dying import dead_probability

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="Narrow ReLU nets are born dead, and dropout kills wider ones",
    finding=(
        "A ReLU layer of n units is all 0 with probability 2^-n, and then so are all above it: half of the nets of "
        "width 3 are dead after 6 layers, of width 6 after 45. With half of the units dropped it is (3/4)^n, and half "
        "of the nets of width 16 put out 0 after 69 layers."
    ),
    alt=(
        "Two panels: probability that a net is dead against its depth, 1 to 256, logarithmic. Without dropout curves "
        "of widths 2 to 6 rise from near 0 to 1, each at about twice the depth of the one before; with dropout so do "
        "curves of widths 4, 8, 12 and 16. Points lie on the curves."
    ),
    source="Beyond He, Zhang, Ren & Sun 2015; Lu, Shin, Su & Karniadakis 2019, theorem 3.1",
    parameters={"depth": 256, "keep": {"1": [2, 3, 4, 5, 6], "0.5": [4, 8, 12, 16]}, "draws": 2000},
)
UNITS = {"keep": "1", "width": "1", "layers": "1", "expected": "1", "measured": "1", "error": "1"}


def dead(width: int, layers: int, keep: float) -> float:
    r"""Return P(x_L = 0), with inverted dropout between layers that keeps units with probability `keep`.

    Every unit of a layer is on with probability 1/2, and is kept with probability k, independently, as long as what it
    sees is not 0. So the next layer sees 0 with probability (1 - k/2)^n: 2^-n where nothing is dropped. Above the last
    layer nothing is dropped.
    """
    alive = (1 - (1 - keep / 2) ** width) ** (layers - 1)
    return 1 - alive * (1 - _dies(width))


@cache
def _dies(width: int) -> float:
    """Return the probability that one layer is 0."""
    return float(dead_probability([width]))


def _net(width: int, depth: int, keep: float) -> Network:
    if keep == 1:
        return mlp([width] * (depth + 1))
    first, *others = (Dense(f"layer{layer}", width, width, he) for layer in range(depth))
    blocks = [Sequential((Dropout(f"dropout{layer}", width, keep), one, RELU)) for layer, one in enumerate(others)]
    return Network((Sequential((first, RELU)), *blocks))


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Count, among nets of the greatest depth, those that are dead after fewer layers."""
    draws = max(100, int(DRAWS[effort] * parameters["draws"]))
    layers = np.unique(np.geomspace(1, parameters["depth"], 65).round().astype(int))
    groups: list[dict[str, object]] = []
    for keep, widths in parameters["keep"].items():
        for width in widths:
            net, rng = _net(width, parameters["depth"], float(keep)), stream(seed, "dying", keep, width)
            norms = measure(net, np.ones((1, width)), draws=draws, rng=rng, extras=()).square_norms
            share = (norms[:, layers] == 0).mean(axis=0)
            expected = [dead(width, int(depth), float(keep)) for depth in layers]
            error = np.sqrt(np.multiply(expected, np.subtract(1, expected)) / draws)
            groups.append(dict(zip(UNITS, (float(keep), width, layers, expected, share, error), strict=True)))
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw the probability against depth, without dropout on the left and with it on the right, a curve a width."""
    import matplotlib.pyplot as plt

    picture, both = plt.subplots(1, 2, sharey=True)
    titles = "ReLU layers", "half of the units dropped"
    for axes, keep, title in zip(both, np.unique(table["keep"])[::-1], titles, strict=True):
        rows = table.where(keep=keep)
        for width, cycle, mark in zip(np.unique(rows["width"]), plt.rcParams["axes.prop_cycle"], "os^Dv", strict=False):
            curve = rows.where(width=width)
            depth = curve.numbers("layers")
            expected, measured, error = (curve.numbers(column) for column in ("expected", "measured", "error"))
            axes.plot(depth, expected, **cycle)
            some = np.isin(depth, 2.0 ** np.arange(9))
            axes.errorbar(depth[some], measured[some], 3 * error[some], fmt=mark, capsize=2, **cycle)
            named = np.exp(np.interp(0.55, expected, np.log(depth)))
            label = f"$n$ = {width:g}" if width == min(rows["width"]) else f"{width:g}"
            axes.annotate(label, (named, 0.55), (-6, 0), textcoords="offset points", ha="right", **cycle)
        axes.set_xscale("log", base=2)
        ticks = 4 ** np.arange(5)
        axes.set_xticks(ticks, [f"{tick}" for tick in ticks])
        axes.set(xlabel="layers $L$")
        axes.set_title(title, fontsize=10, loc="center")
    both[0].set_ylabel("probability that the net is dead, $P(x_L=0)$")
    return picture
