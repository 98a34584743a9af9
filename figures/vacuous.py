"""Vacuous: in which share of the draws theorem 2 of Fixup says nothing, over depth and the scale of the logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import norm

from figures.tools.drawing import beside
from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.key import KEY
from figures.tools.table import Table, row, stacked
from simulations.sweep.block import run_block
from simulations.sweep.cell import Cell
from simulations.sweep.networks import CLASSES
from simulations.sweep.simulate import BATCH
from theory.homogeneity import maximum, vacuous
from theory.residual import norms as residual

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="Depth makes theorem 2 speak: it is vacuous in at most half of the draws",
    finding=(
        "The share of minibatches of 8 in which theorem 2 says nothing is 1/2 for small logits and falls with "
        "their scale towards 10^-8; in residual nets logits grow like 2^(L/2), so that every second block halves "
        "the scale at which it speaks. The bound on its mean is silent below logits of 1.5, where it is itself "
        "vacuous in 0 to 7 % of the draws, but in a fifth of those of a plain net of 21 layers, whose norms are "
        "mostly far below their mean."
    ),
    alt=(
        "Two panels. Left: map of the share of draws in which theorem 2 is vacuous, over 1 to 21 residual blocks "
        "and readout scales 2^-14 to 16: about 50 % below a falling line, 0 above it. Right: shares against the "
        "deviation of the logits, near a curve that falls from 1/2 to 0 around 0.25; those of a plain net of 21 "
        "layers fall later."
    ),
    source="Beyond Zhang, Dauphin & Ma 2019, section 2",
    parameters={
        "width": 16,
        "depths": [1, 5, 9, 13, 17, 21],
        "powers": [-14, -12, -10, -8, -6, -4, -2, 0, 2, 4],
        "shown": [1, 9, 17],
        "plain_depth": 21,
        "draws": 1000,
    },
    key=KEY | {"bars": "measured, bars of 3 standard errors; fields as well"},
)
UNITS = {"net": "", "depth": "1", "scale": "1", "logits": "1"}
UNITS |= dict.fromkeys(("expected", "most", "measured", "error"), "1")
QUARTER = float(-norm.ppf(0.25) / np.sqrt(BATCH * (1 - 1 / CLASSES)))
"""The logits at which `first_order` is 1/4."""
SILENT = float(maximum.vacuous_below(CLASSES))
"""The logits below which the bound on the mean, E max z - log c, is below 0."""


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Sweep residual nets over depth and scale, and one plain net over the scale."""
    draws = max(100, int(DRAWS[effort] * parameters["draws"]))
    nets = [("residual", "he_lecun", depth) for depth in parameters["depths"]]
    groups = []
    for architecture, init, depth in [*nets, ("plain", "he", parameters["plain_depth"])]:
        growth = float(residual.second_moment_growth(1, depth)) if architecture == "residual" else 1.0
        for power in parameters["powers"]:
            cell = Cell(architecture, init, "relu", depth, parameters["width"], "signs", 2.0**power)
            share = float(run_block(cell, 0, draws, seed, ("theorem_2_vacuous",))["theorem_2_vacuous"].mean[0])
            logits, error = 2.0**power * growth**0.5, np.sqrt(max(share * (1 - share), 1 / draws) / draws)
            bounds = first_order(logits), float(vacuous.share_at_small_logits())
            groups.append(row(UNITS, architecture, depth, 2.0**power, logits, *bounds, share, error))
    return stacked(UNITS, *groups)


def first_order(logits: float) -> float:
    """Return the share if (l - H) / s of a minibatch were normal: its variance at s = 0, its mean to first order."""
    return float(norm.cdf(-logits * np.sqrt(BATCH * (1 - 1 / CLASSES))))


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw residual nets as a map over depth and scale on the left, and shares against the logits on the right."""
    import matplotlib.pyplot as plt

    picture, (left, right) = plt.subplots(1, 2, width_ratios=(1.1, 1))
    _map(left, table.where(net="residual"), parameters)
    looks = iter((("o", "C0"), ("s", "C2"), ("D", "C3"), ("^", "k")))
    for net, depth in [*(("residual", depth) for depth in parameters["shown"]), ("plain", parameters["plain_depth"])]:
        rows, (mark, color) = table.where(net=net, depth=depth), next(looks)
        look = {"fmt": mark, "color": color, "label": f"{net}, $L={depth}$"}
        right.errorbar(rows["logits"], rows["measured"], 3 * rows.numbers("error"), **look)
    fine, most = np.geomspace(5e-4, 40, 200), float(table.numbers("most")[0])
    right.plot(fine, [first_order(logits) for logits in fine], color="0.4", zorder=1)
    right.axhline(most, color="0.4", linewidth=1, linestyle="--", zorder=1)
    right.axvline(SILENT, 0, 0.7, color="C1", linestyle="--", zorder=1)
    right.annotate("never above 1/2", (40, most), (0, 4), textcoords="offset points", ha="right", fontsize=9)
    beside(right, "bound on the\nmean above 0", (40, 0.435), (-1, 0), color="C1", fontsize=9)
    pointing = {"arrowprops": {"arrowstyle": "-", "color": "0.4"}, "ha": "right", "fontsize": 9}
    right.annotate("small logits", (0.21, 0.287), (0.06, 0.25), **pointing)
    right.legend(loc="lower left", handletextpad=0.2, fontsize=9, borderaxespad=0)
    right.set(
        xscale="log", xlim=(fine[0], fine[-1]), ylim=(-0.02, 0.58), ylabel="share of draws in which it is vacuous"
    )
    right.set_xlabel("standard deviation of the logits")
    return picture


def _map(axes: Axes, table: Table, parameters: dict[str, Any]) -> None:
    """Draw shares over depth and scale, each written into its field, and lines of equal logits."""
    depths, powers = parameters["depths"], parameters["powers"]
    shares = table.numbers("measured").reshape(len(depths), len(powers)).T
    axes.pcolormesh(depths, powers, shares, cmap="Blues", vmin=0, vmax=0.7, shading="nearest")
    axes.grid(visible=False)
    for (down, across), share in np.ndenumerate(shares):
        if share == 0:
            continue
        color = "w" if share > 0.35 else "k"
        axes.text(depths[across], powers[down], f"{share:.0%}", color=color, fontsize=7.5, ha="center", va="center")
    ends = np.array([1.5 * depths[0] - 0.5 * depths[1], 1.5 * depths[-1] - 0.5 * depths[-2]])
    for logits, line in ((QUARTER, "-"), (SILENT, "--")):
        axes.plot(ends, np.log2(logits) - ends / 2, line, color="C1", linewidth=1.2)
    words = {"color": "C1", "fontsize": 9, "ha": "right"}
    beside(axes, r"$s\,2^{L/2}=1.5$, dashed", (ends[1], powers[-1]), (-6, 0), **words)
    beside(axes, f"and {QUARTER:.2f}, solid", (ends[1], powers[-2]), (-6, 0), **words)
    axes.set(xlabel="residual blocks $L$", ylabel="scale of the readout $s$", xlim=ends)
    axes.set_ylim(powers[0] - 1, powers[-1] + 1)
    axes.set_xticks(depths)
    axes.set_yticks(powers, [f"$2^{{{power}}}$" for power in powers])
