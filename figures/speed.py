"""What a draw of a layer costs in random numbers, and in time where that was measured: drawn, undrawn and radial."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.costs import count, timings
from figures.tools.drawing import beside
from figures.tools.figure import Effort, Figure
from figures.tools.table import Table, row, stacked
from simulations.engines.choice import Engine

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

WIDE = [4, 64, 1024, 16384, 131072, 1000000]
FIGURE = Figure(
    title="Weights that are never drawn cost O(n) a layer, norms alone O(1)",
    finding=(
        "A forward and backward pass of one input takes n^2 random numbers a layer if the weights are drawn, 2n if "
        "they are left undrawn, and 4 if norms are all that is asked: at a million units 10^12, 2 x 10^6 and 4, with "
        "results of the same law. Times are shown where the benchmark was run."
    ),
    alt=(
        "Chart with both axes logarithmic: random numbers a layer against width, 4 to a million. A steep line n^2 for "
        "drawn weights, one of half its slope, 2n, for undrawn ones, and a flat one at 4 for radial chains. Points, "
        "counted while the engines ran, lie on the lines; a second panel, if there is one, has seconds a layer."
    ),
    source="Beyond the papers; times from benchmarks/results/speed.json",
    parameters={
        "widths": {"drawn": [4, 16, 64, 256, 1024, 2048]} | dict.fromkeys(["undrawn", "radial"], WIDE),
        "layers": [2, 3],
        "widest": WIDE[-1],
    },
    tolerance=1e-12,
    key={"line": "closed form (right: times the seconds a number takes)", "point": "measured: counted, or timed"},
)
UNITS = {"part": "", "engine": "", "width": "1", "expected": "1", "measured": "1", "error": "1"}
RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results" / "speed.json"
NUMBERS: dict[Engine, Callable[[int], int]] = {
    "drawn": lambda width: width**2,
    "undrawn": lambda width: 2 * width,
    "radial": lambda width: 3 + (math.ceil(width / 64) if width <= 512 else 1),
}
"""Random numbers a layer: its entries; one a unit and direction; three gamma variates and a count of open units.

Up to 512 units are counted in words of 64 random bits, more of them take one binomial number.
"""
LOOKS = {
    "Fathom drawn": "0o",
    "PyTorch": "3D",
    "JAX": "5v",
    "Fathom undrawn": "1s",
    "floor": "4+",
    "Fathom radial": "2^",
}
"""Colour and marker of who was timed."""


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Count at every width what one more layer takes; read times where there are any.

    The time that is expected is that of the numbers alone: the benchmark's floor.
    """
    fewer, more = parameters["layers"]
    groups: list[dict[str, object]] = []
    for engine, widths in parameters["widths"].items():
        for width in dict.fromkeys((*widths, parameters["widest"])):
            measured = np.nan
            if width in widths:
                measured = (count(engine, width, more, seed) - count(engine, width, fewer, seed)) / 2 / (more - fewer)
            groups.append(row(UNITS, "numbers", engine, width, float(NUMBERS[engine](width)), measured, np.nan))
    found = list(timings(json.loads(RESULTS.read_text()))) if RESULTS.exists() else []
    floors = {width: seconds / (2 * width) for name, width, seconds, *_ in found if name == "floor"}
    for engine in NUMBERS if floors else {}:
        ends = np.array([4, parameters["widest"]])
        expected = np.array([float(NUMBERS[engine](width)) for width in ends.tolist()]) * floors[max(floors)]
        groups.append(row(UNITS, "seconds", engine, ends, expected, np.nan, np.nan))
    for name, width, seconds, least, most in found:
        groups.append(row(UNITS, "seconds", name, width, np.nan, seconds, (most - least) / 2))
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw the numbers, and beside them the times if the table has any."""
    import matplotlib.pyplot as plt

    parts = {"numbers": "random numbers a layer", "seconds": "seconds a layer"}
    parts = {part: label for part, label in parts.items() if part in table["part"]}
    picture, axes = plt.subplots(1, len(parts), squeeze=False)
    cycles = list(plt.rcParams["axes.prop_cycle"])
    labels = {"drawn": "drawn: $n^2$", "undrawn": "undrawn: $2n$", "radial": "radial: 4"}
    for here, (part, label) in zip(axes[0], parts.items(), strict=True):
        rows = table.where(part=part)
        for (engine, name), cycle, mark in zip(labels.items(), cycles, "os^", strict=False):
            line = rows.where(engine=engine)
            here.plot(*_sorted(line, "expected"), **cycle)
            if part == "numbers":
                here.plot(*_sorted(line, "measured"), mark, **cycle)
                end, offset = line.numbers("expected").max(), (0, 8) if engine == "undrawn" else (-14, 6)
                beside(here, name, (parameters["widest"], end), offset, ha="right", va="baseline", **cycle)
        for name, look in LOOKS.items() if part == "seconds" else ():
            here.plot(*_sorted(rows.where(engine=name), "measured"), look[1:], color=f"C{look[0]}", label=name)
        here.set(xscale="log", yscale="log", xlabel="width $n$", ylabel=label)
        if part == "seconds":
            here.legend(loc="upper left", fontsize=9)
            here.set_title("lines: drawing the numbers alone", fontsize=9, loc="right")
    return picture


def _sorted(rows: Table, column: str) -> tuple[Any, Any]:
    seen = rows.numbers(column)
    order = np.argsort(rows.numbers("width"))
    order = order[np.isfinite(seen[order])]
    return rows.numbers("width")[order], seen[order]
