"""Lesson 9, last part: what a layer costs whose matrix is never drawn."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from figures.speed import NUMBERS
from figures.tools.table import Table, stacked
from simulations import lecun, measure, mlp, stream
from simulations.weights.initialisers import gaussian
from simulations.weights.undrawn import Undrawn

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

LAYERS, NUMBER = 100, 8
"""Layers of a timed radial chain; bytes of a number."""
LAPTOP = 16e9
"""Bytes of memory."""


def cost(power: int, seed: int) -> Table:
    """Ask a layer of each width up to 10^power once forwards and once back, and time it; count bytes.

    Drawn matrices are not drawn: their bytes are arithmetic. Of undrawn ones those of all vectors are counted.
    """
    rng, rows = stream(seed, "lesson 9", "cost"), list[dict[str, object]]()
    for width in (10**exponent for exponent in range(1, power + 1)):
        x, deviation = np.ones((1, 1, width)), lecun.deviation(width, width)
        weights = Undrawn(rng, 1, width, width, deviation)
        begun = time.perf_counter()
        y = x @ weights
        d = np.maximum(y, 0)
        g = d @ weights.mT
        asked = time.perf_counter()
        chain = mlp([width] * (LAYERS + 1))
        measure(chain, x[0], draws=2, rng=rng, backward=gaussian, engine="radial", extras=())
        ended = time.perf_counter()
        rows.append(
            {"width": width, "drawn bytes": NUMBER * NUMBERS["drawn"](width)}
            | {"undrawn bytes": sum(one.nbytes for one in (x, y, d, g)), "undrawn numbers": NUMBERS["undrawn"](width)}
            | {"undrawn seconds": asked - begun, "radial seconds": (ended - asked) / (2 * LAYERS)}
        )
    return stacked(dict.fromkeys(rows[0], "1"), *rows)


def draw_cost(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw bytes of drawn and undrawn layers on the left, and seconds on the right."""
    import matplotlib.pyplot as plt

    picture, (left, right) = plt.subplots(1, 2)
    logs = {name: np.log10(table.numbers(name)) for name in table.units}
    left.plot(logs["width"], logs["drawn bytes"], "s--", color="C1", label=labels["drawn"])
    left.plot(logs["width"], logs["undrawn bytes"], "o-", color="C0", label=labels["undrawn"])
    left.axhline(math.log10(LAPTOP), color="0.5", linestyle=":", label=labels["laptop"])
    right.plot(logs["width"], logs["undrawn seconds"], "o-", color="C0", label=labels["undrawn"])
    right.plot(logs["width"], logs["radial seconds"], "^-", color="C2", label=labels["radial"])
    for axes, label in ((left, "bytes axis"), (right, "seconds axis")):
        axes.set(xlabel=labels["width axis"], ylabel=labels[label])
        axes.legend(fontsize=9)
    return picture


def bill(table: Table) -> dict[str, object]:
    """Return the costs of the widest layer for a caption: terabytes and megabytes, milliseconds, numbers."""
    width, drawn_bytes, undrawn_bytes, numbers, seconds, radial = (float(table.numbers(one)[-1]) for one in table.units)
    return {
        "width": width,
        "laptops": drawn_bytes / LAPTOP,
        "gigabytes": drawn_bytes / 1e9,
        "megabytes": undrawn_bytes / 1e6,
        "numbers": numbers,
        "milliseconds": 1e3 * seconds,
        "radial": 1e3 * radial,
    }


def laptops(width: int = 10**6) -> float:
    """Return how many laptops hold the entries of one square matrix."""
    return NUMBER * NUMBERS["drawn"](width) / LAPTOP
