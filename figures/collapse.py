"""Collapse: the spread of deep ReLU nets' norms against the sum of inverse widths, for nets of many shapes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp
from scipy.stats import binom

from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.key import KEY
from figures.tools.table import Table, row, stacked
from simulations.numbers.arrays import Array
from simulations.sweep.block import run_block
from simulations.sweep.cell import Cell
from simulations.sweep.grid import Grid
from simulations.sweep.networks import layer_widths
from theory import symbols
from theory.fluctuations import log_moments, shape_collapse
from theory.fluctuations import norms as fluctuations

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="Whatever a ReLU net's shape, its norm spreads with the sum of inverse widths",
    finding=(
        "Over 72 nets of six shapes the variance of log ||x_L||^2 is what exact theory gives, a sum over the "
        "layers' widths in any order. It collapses on beta = 5 sum 1/n only as widths grow: it is 1.5 % above "
        "beta at width 256, 14 % at 32 (3.7/n to first order), and twice beta in nets pinched to width 4."
    ),
    alt=(
        "Two panels. Left, logarithmic: variance of the log norm against the sum of inverse widths, points of six "
        "shapes at or above a line of slope 5. Right: the variance divided by that line against the mean inverse "
        "width, from 1.01 to 2; points lie on their exact values, near the curve of nets of one width and above 1 "
        "+ 3.7/n."
    ),
    source="Beyond Hanin & Rolnick 2018 and Hanin & Nica 2020",
    parameters={
        "shapes": ["plain", "alternating", "taper", "widening", "bottleneck", "pinched"],
        "depths": [4, 12, 32],
        "widths": [32, 64, 128, 256],
        "single_layers": [5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256, 300],
        "draws": 30_000,
    },
    key=KEY | {"line": "closed form; short: of one net"},
)
UNITS = {name: "" if name == "shape" else "1" for name in ("shape", "depth", "width", "sum", "mean_inverse")}
UNITS |= dict.fromkeys(("expected", "leading", "second", "alive", "measured", "error"), "1")
SECOND_ORDER = float(shape_collapse.NARROWEST * shape_collapse.excess([shape_collapse.NARROWEST]))
"""The variance of a layer is 5/n (1 + this / n), to second order."""


@cache
def cumulants(width: int) -> tuple[float, float]:
    """Variance and fourth cumulant of log r of one layer: theory's moments given k active units, over k > 0."""
    first, second, fourth = _given_mask()
    k = np.arange(1.0, width + 1)
    weights = binom.pmf(k, width, 0.5) / (1 - 0.5**width)
    centre = float(weights @ first(width, k))
    variance = float(weights @ second(width, k)) - centre**2
    return variance, float(weights @ fourth(width, k, centre)) - 3 * variance**2


@cache
def _given_mask() -> tuple[Any, Any, Any]:
    names = [symbols.N, fluctuations.K]
    square = fluctuations.relu_squared_logarithm().steps[2].statement
    central = log_moments.fourth_central().steps[1].statement
    return (
        sp.lambdify(names, fluctuations.relu_logarithm().steps[2].statement, "scipy"),
        sp.lambdify(names, square, "scipy"),
        sp.lambdify([*names, log_moments.SHIFT], central, "scipy"),
    )


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Sweep shapes, depths and widths: the variance of log ||x_L||^2 of the nets that are alive; then single layers."""
    axes = {"architecture": "shapes", "depth": "depths", "width": "widths"}
    grid = Grid.from_mapping({axis: parameters[name] for axis, name in axes.items()})
    draws = max(1000, int(DRAWS[effort] * parameters["draws"]))
    groups = [
        _row(cell.architecture, cell.width, layer_widths(cell)[1:], _seen(cell, draws, seed)) for cell in grid.cells()
    ]
    groups += [_row("one layer", width, (width,), (np.nan, 0)) for width in parameters["single_layers"]]
    return stacked(UNITS, *groups)


def _seen(cell: Cell, draws: int, seed: int) -> tuple[float, int]:
    """Return the variance of log ||x_L||^2, and of how many nets that are alive."""
    seen = run_block(cell, 0, draws, seed, ("second_moment",))["second_moment"]
    alive = int(seen.log_count[-1])
    return float(seen.log_m2[-1]) / (alive - 1) * np.log(2) ** 2, alive


def _row(shape: str, width: int, widths: tuple[int, ...], seen: tuple[float, int]) -> dict[str, object]:
    variance, fourth = (sum(each) for each in zip(*map(cumulants, widths), strict=True))
    inverses: Array = 1 / np.array(widths)
    leading, mean_inverse = 5 * inverses.sum(), np.square(inverses).sum() / inverses.sum()
    error = np.sqrt((fourth + 2 * variance**2) / seen[1]) if seen[1] else np.nan
    second = leading * (1 + SECOND_ORDER * mean_inverse)
    return row(
        UNITS,
        shape,
        len(widths),
        width,
        inverses.sum(),
        mean_inverse,
        variance,
        leading,
        second,
        *reversed(seen),
        error,
    )


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw the variances on the left, and on the right what is left of them over 5 sum 1/n."""
    import matplotlib.pyplot as plt

    picture, (left, right) = plt.subplots(1, 2)
    nets, single = table.seen(), table.where(shape="one layer")
    looks = [("o", "C0"), ("s", "C1"), ("v", "C2"), ("^", "C3"), ("D", "k"), ("P", "C5")]
    for shape, (mark, color) in zip(parameters["shapes"], looks, strict=True):
        rows, look = nets.where(shape=shape), {"color": color, "markersize": 4}
        left.errorbar(rows["sum"], rows["measured"], 3 * rows.numbers("error"), fmt=mark, label=shape, **look)
        ratios, errors = (rows.numbers(name) / rows.numbers("leading") for name in ("measured", "error"))
        right.errorbar(rows["mean_inverse"], ratios, 3 * errors, fmt=mark, **look)
    exact = nets.numbers("expected") / nets.numbers("leading")
    at = nets.numbers("mean_inverse")
    right.hlines(exact, at / 1.13, at * 1.13, color="k", linewidth=0.8, zorder=0)
    for name, line in (("expected", "-"), ("second", "--")):
        ratio = single.numbers(name) / single.numbers("leading")
        right.plot(single["mean_inverse"], ratio, line, color="0.4", linewidth=1.1, zorder=0)
    span = np.array([nets.numbers("sum").min() / 1.3, nets.numbers("sum").max() * 1.3])
    left.plot(span, 5 * span, "--", color="0.4", linewidth=1.1, zorder=0)
    left.annotate(r"$\beta=5\,\sum_l 1/n_l$", (0.35, 1.75), (0.3, 0.25), arrowprops={"arrowstyle": "-", "color": "0.4"})
    left.legend(loc="upper left", handletextpad=0.2, fontsize=9, borderaxespad=0)
    left.set(xscale="log", yscale="log", xlabel=r"$\sum_l 1/n_l$", ylabel=r"variance of $\log\,\|x_L\|^2$", xlim=span)
    look = {"arrowprops": {"arrowstyle": "-", "color": "0.4"}, "ha": "right", "va": "center", "fontsize": 9}
    right.annotate("layers of one width,\nexact", (0.135, 2.1), (0.05, 2.2), **look)
    right.annotate(r"$1+3.7/n$", (0.135, 1.5), (0.24, 1.2), **look)
    right.annotate("each net, exact", (0.162, 1.97), (0.05, 1.85), **look)
    right.set(
        xscale="log",
        xlabel=r"mean of $1/n_l$:  $\sum_l n_l^{-2}\,/\,\sum_l n_l^{-1}$",
        ylabel=r"variance of $\log\,\|x_L\|^2$, over $\beta$",
    )
    return picture
