"""The gradient-independence assumption against the truth: a gradient of all ones, in width and in depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.table import Table, stacked
from simulations import measure, mlp, stream
from simulations.numbers.arrays import Array
from theory.independence import gradient_independence, ones_in_depth

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="Gradient independence fails for a gradient of ones, however wide the net",
    finding=(
        "With backward weights independent of the forward ones, He initialisation would keep the mean square of a "
        "gradient of ones; it grows by 1 + (n - 1)/(pi n) in one ReLU layer, 1.318 at width 100,000, and by 2/pi "
        "more in each further one while the net is wide: 21-fold after 32 layers, where the assumption says 1."
    ),
    alt=(
        "Two charts. Left: the mean square gradient over that at the top, against width from 1 to 100,000, for one "
        "layer; points on a curve from 1 to 1.318. Right: against depth up to 32; points at width 10,000 on a "
        "straight line to 21, at width 64 on a curve that bends to 14. A dashed line at 1 is the assumption."
    ),
    source="Schoenholz et al. 2017 and Yang & Schoenholz 2017 (the assumption); beyond them",
    parameters={"widths": [1, 2, 4, 8, 32, 100, 1000, 10_000, 100_000], "deep": [64, 10_000], "depth": 32},
    tolerance=1e-6,
)
UNITS = {"panel": "", "width": "1", "depth": "1", "expected": "1", "measured": "1", "error": "1"}


def _ones(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.ones(shape)


def in_depth(width: int, depth: int) -> Array:
    """Return E||g||^2 / n after 1, ..., `depth` ReLU layers of He weights, g = 1 at the last; exact at any width."""
    return np.array([float(ones_in_depth.ones_growth(width, layers)) for layers in range(1, depth + 1)])


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Pass ones back through ReLU nets whose weights are not drawn where they are wide."""
    cases = [("width", width, 1, int(np.clip(4e6 / width, 60, 80_000))) for width in parameters["widths"]]
    cases += [("depth", width, parameters["depth"], 6000 if width < 1000 else 120) for width in parameters["deep"]]
    groups: list[dict[str, object]] = []
    for panel, width, depth, draws in cases:
        network, inputs = mlp([width] * (depth + 1)), np.ones((1, width))
        settings: dict[str, Any] = {
            "draws": max(20, int(DRAWS[effort] * draws)),
            "rng": stream(seed, "independence", panel, width),
        }
        record = measure(network, inputs, backward=_ones, extras=(), **settings)
        ratios = record.gradient_square_norms[:, -2::-1] / width
        expected = {"expected": in_depth(width, depth), "width": float(width), "depth": np.arange(1.0, depth + 1)}
        error = ratios.std(axis=0, ddof=1) / np.sqrt(len(ratios))
        groups.append({"panel": panel, "measured": ratios.mean(axis=0), "error": error} | expected)
    depths = np.arange(1.0, parameters["depth"] + 1)
    wide = float(gradient_independence.wide().result)
    limit = {"width": np.inf, "depth": depths, "expected": wide + 2 * (depths - 1) * (wide - 1)}
    groups.append({"panel": "depth", "measured": np.nan, "error": np.nan} | limit)
    widths = np.unique(np.geomspace(1, max(parameters["widths"]), 60).round())
    curve = {"width": widths, "depth": 1.0, "expected": [in_depth(int(width), 1)[0] for width in widths]}
    groups.append({"panel": "curve", "measured": np.nan, "error": np.nan} | curve)
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw the mean square gradient against the width on the left, and against the depth on the right."""
    import matplotlib.pyplot as plt

    picture, (left, right) = plt.subplots(1, 2)
    one = table.where(panel="width")
    curve = table.where(panel="curve")
    left.plot(curve["width"], curve["expected"], color="C0")
    left.errorbar(one["width"], one["measured"], 3 * one.numbers("error"), fmt="oC0", capsize=2)
    left.annotate(r"$1 + \frac{n-1}{\pi n}$", (30, 1.2), color="C0", fontsize=11)
    left.set(xscale="log", xlabel="width $n$, one layer", ylim=(0.94, 1.36))
    deep = table.where(panel="depth")
    for width, color, marker, place in zip(parameters["deep"], ("C1", "C0"), "so", ((14, 6), (6, 13)), strict=True):
        rows = deep.where(width=width)
        some = np.unique([0, *range(3, len(rows), 4)])
        right.plot(rows["depth"], rows["expected"], color=color)
        bars = 3 * rows.numbers("error")[some]
        right.errorbar(rows["depth"][some], rows["measured"][some], bars, fmt=marker, color=color, capsize=2)
        right.annotate(f"$n = {width:,}$".replace(",", "{,}"), place, color=color)
    right.set(xlabel="depth $L$, layers", xlim=(0, parameters["depth"] + 1))
    for axes in (left, right):
        axes.axhline(1, color="0.3", linestyle="--", linewidth=1)
        axes.set_ylabel(r"mean square gradient $\mathbb{E}\,\|g_0\|^2\,/\,n$")
    left.annotate("assumed: 1", (1000, 0.99), va="top", color="0.3", fontsize=9)
    return picture
