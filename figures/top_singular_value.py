"""Largest singular value and spectral radius of one Gaussian layer against its width, and what bounds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.drawing import beside, measured
from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.key import KEY
from figures.tools.table import Table, row, stacked
from simulations import lecun, stream
from simulations.numbers.arrays import Array
from theory.spectra import top_singular_value

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="A Gaussian layer stretches some vector twice as far as a typical one",
    finding=(
        "At variance 1/n the largest singular value of a square layer is sqrt(pi/2) in the mean at n = 2 and rises to "
        "2 between two bounds that hold at any width, 1.92 and 1.996 at n = 128. A vector chosen beforehand is "
        "stretched by 1, and 1 is also what the spectral radius tends to."
    ),
    alt=(
        "Line chart against width, 2 to 256, logarithmic: points of the largest singular value rise from 1.25 to 1.98 "
        "inside a band whose upper edge is just below 2 and whose lower edge closes in on it. Below, points of the "
        "spectral radius stay near 1, as does the line for a fixed vector, which is half of the upper edge."
    ),
    source="Davidson & Szarek 2001, theorem II.13, beside a lower bound derived here; spectral radius: Geman 1986",
    parameters={"widths": [2, 4, 8, 16, 32, 64, 128, 256], "units": 16384, "most": 2000},
    key=KEY | {"line": "closed form, or bound (edge of the band)"},
)
UNITS = {"series": "", "width": "1", "expected": "1", "measured": "1", "error": "1"}


def stretches(weights: Array) -> dict[str, Array]:
    """Return of each matrix (draws, n, n) what it stretches most and by how much, (draws,) each."""
    return {
        "largest singular value": np.linalg.svd(weights, compute_uv=False)[:, 0],
        "fixed vector": np.linalg.norm(weights[:, 0], axis=1),
        "spectral radius": np.abs(np.linalg.eigvals(weights)).max(axis=1),
    }


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Draw layers of each width; nothing is expected of the spectral radius, which is shown as measured."""
    groups: list[dict[str, object]] = []
    for width in parameters["widths"]:
        low, high = (float(bound) for bound in top_singular_value.bounds(width))
        groups += [row(UNITS, name, width, bound, np.nan, np.nan) for name, bound in {"low": low, "high": high}.items()]
        draws = max(20, int(DRAWS[effort] * min(parameters["most"], parameters["units"] // width)))
        found = stretches(lecun.draw(stream(seed, "top_singular_value", width), draws, width, width))
        exact = float(top_singular_value.top_of_two()[0]) if width == 2 else np.nan
        expected = {"largest singular value": exact, "fixed vector": high / 2, "spectral radius": np.nan}
        for name, seen in found.items():
            error = seen.std(ddof=1) / np.sqrt(draws)
            groups.append(row(UNITS, name, width, expected[name], seen.mean(), error))
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw the bounds as a band, the points, and the limit 2."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    low, high = table.where(series="low"), table.where(series="high")
    axes.fill_between(low.numbers("width"), low.numbers("expected"), high.numbers("expected"), color="C0", alpha=0.15)
    for edge in (low, high):
        axes.plot(edge["width"], edge["expected"], color="C0", linewidth=1)
    axes.axhline(2, color="0.4", linewidth=0.9, linestyle="--")
    looks = {
        "largest singular value": ("C0", "o", 0),
        "fixed vector": ("C1", "s", -7),
        "spectral radius": ("C2", "^", 7),
    }
    for name, (color, mark, shift) in looks.items():
        rows = table.where(series=name)
        measured(axes, rows, "width", mark, color=color)
        beside(
            axes, name.replace(" value", "\nvalue"), (rows["width"][-1], rows["measured"][-1]), (10, shift), color=color
        )
    line = table.where(series="fixed vector")
    axes.plot(line["width"], line["expected"], color="C1")
    axes.set_xscale("log", base=2)
    axes.set(xlabel="width $n$", ylabel="factor on a length", ylim=(0.6, 2.1))
    axes.annotate("between bounds on its mean", (18, 1.6), color="C0")
    return picture
