"""Fixup's exponent: how far one SGD step moves L scalar branches of m layers each, whose scales are powers of L."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.figure import Effort, Figure
from figures.tools.table import Table, stacked
from simulations.experiments import scalar_branch as simulated
from simulations.numbers.arrays import Array
from theory.fixup import scalar_branch
from theory.fixup import scale as fixup_scale

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title=r"Only branch scales of $L^{-1/(2m-2)}$ make an SGD step independent of depth",
    finding=(
        "L branches F = a_1 ... a_m x with scales L^-p move together by m eta L^(1 - 2(m-1)p): the same at every depth "
        "only at p = 1/(2m-2). For m = 3 an exponent of 0.15 for 0.25 makes the step 16 times as large at L = 1000, "
        "and 0.35 makes it 16 times as small."
    ),
    alt=(
        "Two panels. Left: total move of L branches of 3 layers against L, logarithmic, for exponents 0.15 to 0.35; "
        "flat at 0.25, rising below, falling above, points of one simulated step on the lines. Right: heat map of the "
        "slope over layers a branch and exponent, with the curve 1/(2m-2) between exploding and vanishing steps."
    ),
    source="Zhang, Dauphin & Ma 2019, section 3",
    parameters={"rate": 1e-4, "layers": 3, "shown": [0.15, 0.2, 0.25, 0.3, 0.35], "most_layers": 8, "exponents": 25},
    tolerance=1e-3,  # a step moves a small branch by a few of its last digits only
    key={"line": "closed form", "point": "measured, as are the fields"},
)
UNITS = {"part": "", "m": "1", "exponent": "1", "branches": "1", "expected": "1", "measured": "1"}
DEPTHS = np.array([1, 3, 10, 30, 100, 300, 1000])
TENFOLD = np.array([100, 10])
"""Numbers of branches, in which the phase diagram says by what factor the move grows."""


def _moves(m: int, exponent: float, branches: Array, rate: float) -> Array:
    """Size of one simulated SGD step, all branches together, over the rate; x = 1 and l' = 1."""
    found = []
    for count in branches:
        a = np.full((1, m), float(count) ** -exponent)
        after = simulated.branch_step(a, 1.0, 1.0, rate)
        found.append(count * (simulated.branch(a, 1.0) - simulated.branch(after, 1.0))[0] / rate)
    return np.array(found)


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Take one step at each exponent and depth; nothing is random, so effort and seed change nothing."""
    rate, m, groups = parameters["rate"], parameters["layers"], list[dict[str, object]]()
    for exponent in parameters["shown"]:
        law = [
            -count * float(scalar_branch.branch_update([float(count) ** -exponent] * m, 1, 1, rate)) / rate
            for count in DEPTHS
        ]
        found = _moves(m, exponent, DEPTHS, rate)
        groups.append(
            {"part": "moves", "m": m, "exponent": exponent, "branches": DEPTHS, "expected": law, "measured": found}
        )
    for m in range(2, parameters["most_layers"] + 1):
        for exponent in np.linspace(0, 0.6, parameters["exponents"]).round(6):
            growth = np.divide(*_moves(m, exponent, TENFOLD, rate))
            tenfold = 10 ** (1 + float(fixup_scale.update_exponent([exponent] * m)))
            groups.append(
                {
                    "part": "growth",
                    "m": m,
                    "exponent": exponent,
                    "branches": 100,
                    "expected": tenfold,
                    "measured": growth,
                }
            )
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw the moves on the left and the phase diagram on the right."""
    import matplotlib.pyplot as plt

    picture, (left, right) = plt.subplots(1, 2, width_ratios=(1, 1.1))
    moves = table.where(part="moves")
    for exponent, mark, cycle in zip(parameters["shown"], "^vosD", plt.rcParams["axes.prop_cycle"], strict=False):
        rows, color = moves.where(exponent=exponent), cycle["color"]
        left.plot(rows["branches"], rows["expected"], color=color)
        left.plot(rows["branches"], rows["measured"], mark, color=color)
        label = ("$p=$" if exponent == parameters["shown"][0] else "") + f"{exponent:g}"
        end = (rows["branches"][-1], rows["expected"][-1])
        left.annotate(label, end, (7, 0), textcoords="offset points", va="center", color=color)
    left.set(xscale="log", yscale="log", xlabel="branches $L$")
    left.set_ylabel(r"move of all branches, $L\,|\Delta F|\,/\,\eta$")
    left.set_title(f"scales $L^{{-p}}$, $m={parameters['layers']}$ layers", fontsize=10)
    slopes = table.where(part="growth")
    layers, exponents = (np.unique(slopes.numbers(name)) for name in ("m", "exponent"))
    grid = np.log10(slopes.numbers("measured")).reshape(len(layers), len(exponents)).T
    mesh = right.pcolormesh(layers, exponents, grid, cmap="PuOr_r", vmin=-2, vmax=2, shading="nearest", rasterized=True)
    smooth = np.linspace(2, parameters["most_layers"], 100)
    right.plot(smooth, 1 / (2 * smooth - 2), "k-")
    right.annotate(
        r"$p=\frac{1}{2m-2}$",
        (4, 1 / 6),
        (4.6, 0.27),
        bbox={"color": "white", "pad": 2},
        arrowprops={"arrowstyle": "-"},
    )
    right.annotate("steps vanish\nin depth", (6.0, 0.48), ha="center", color="white")
    right.annotate("explode", (3.1, 0.05), ha="center")
    right.set(xlabel="layers a branch $m$", ylabel="exponent $p$", xticks=layers)
    right.grid(visible=False)
    bar = picture.colorbar(mesh, ax=right, extend="min")
    bar.set_label(r"slope of $\log\,L|\Delta F|$ in $\log\,L$")
    return picture
