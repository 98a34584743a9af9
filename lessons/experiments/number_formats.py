"""Lesson 1, fourth part: the layer from which a format of 16 or 32 bits no longer holds a signal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

from figures.tools.table import Table, stacked
from simulations import Initialiser, mlp, rademacher, stream
from simulations.numbers.arrays import Array
from simulations.numbers.formats import STORES
from theory.precision import formats as formats_theory
from theory.precision.formats import BFLOAT16, FLOAT16, FLOAT32, Format

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

LAYERS, GUESSED = 200, 2
FORMATS = {one.name: one for one in (FLOAT16, BFLOAT16, FLOAT32)}
POWERS = {"signal": 1, "square": 2, "logarithm": 0}
"""Of the signal's size in what is stored; a logarithm is none."""
MARKS = {"float16": ("o", "C0", 11), "bfloat16": ("s", "C1", 16), "float32": ("^", "C2", 10)}
"""Their points, colours, and sizes of crosses: two may lie on each other."""
STAYS = "—"
"""Where a caption names a layer and there is none."""


def stored(kind: str, gain: float, seed: int) -> Table:
    """Run a net of one unit a layer, of weights +gain or -gain, and store its size, its square or its log in base 2.

    The table has decimal logarithms of what that stands for: plus infinity where a format holds infinity, minus
    infinity where it holds 0.
    """
    network = mlp([1] * (LAYERS + 1), init=Initialiser(lambda fan_in, fan_out: gain**2, rademacher), activation=None)
    states = network.run(network.draw(stream(seed, "lesson 1", "formats"), 1), np.ones((1, 1, 1))).states
    size, power = np.abs([state.item() for state in states]), POWERS[kind] or 1
    with np.errstate(divide="ignore"):
        held = {name: _read(store(_written(size, kind)), kind) for name, store in STORES.items()}
    layers = np.arange(LAYERS + 1)
    return stacked(
        dict.fromkeys(("layer", "expected", *held), "1"),
        {"layer": layers, "expected": power * layers * math.log10(gain), **held},
    )


def _written(size: Array, kind: str) -> Array:
    return np.log2(size) if kind == "logarithm" else size ** POWERS[kind]


def _read(held: Array, kind: str) -> Array:
    """Return the decimal logarithm of the number that was stored."""
    return held * math.log10(2) if kind == "logarithm" else np.log10(held)


def left(table: Table, name: str) -> int | str:
    """Return the first layer at which a format holds infinity or 0."""
    gone = ~np.isfinite(table.numbers(name))
    return int(table["layer"][gone][0]) if gone.any() else STAYS


def leaves(kind: str, gain: float, number_format: Format) -> int | str:
    """Return the same by the closed form."""
    factor = sp.Rational(str(gain)) ** POWERS[kind]
    if factor == 1:
        return STAYS
    depth = formats_theory.depth_of_overflow if factor > 1 else formats_theory.depth_of_vanishing
    layer = int(depth(max(factor, 1 / factor), number_format))
    return layer if layer <= LAYERS else STAYS


def places(table: Table, kind: str, gain: float) -> dict[str, int | str]:
    """Return, for a caption, where each format is left, measured and by the closed form."""
    return {name: left(table, name) for name in FORMATS} | {
        f"{name}_expected": leaves(kind, gain, one) for name, one in FORMATS.items()
    }


def ends(number_format: Format) -> tuple[float, float]:
    """Return the decimal logarithms of the smallest and of the largest number of a format."""
    known = {formats_theory.BITS: number_format.bits, formats_theory.TOP: number_format.top}
    smallest, largest = formats_theory.smallest().at(known), formats_theory.largest().at(known)
    return float(sp.log(smallest, 10)), float(sp.log(largest, 10))


def draw_stored(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw the closed form as a line, what formats hold as points on it, and a cross where a format is left."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    for name, shade in (("float32", "0.93"), ("float16", "0.84")):
        axes.axhspan(*ends(FORMATS[name]), color=shade, linewidth=0, zorder=0, label=labels[f"range {name}"])
    axes.plot(table["layer"], table["expected"], color="0.3", zorder=1, label=labels["closed form"])
    for place, (name, (mark, color, cross)) in enumerate(MARKS.items()):
        held, low_high = table.numbers(name), ends(FORMATS[name])
        inside = np.isfinite(held)
        some = inside & (table.numbers("layer") % 15 == 5 * place)
        axes.plot(table["layer"][some], held[some], mark, color=color, label=name)
        if not inside.all():
            first = int(np.argmin(inside))
            edge = low_high[int(held[first] > 0)]
            axes.plot(table["layer"][first], edge, "X", color=color, markersize=cross, clip_on=False, zorder=3)
    axes.plot([], [], "X", color="0.3", markersize=11, label=labels["left"])
    reach = max(52.0, 1.05 * abs(table.numbers("expected")[-1])) if np.isfinite(table.numbers("float16")).all() else 52
    axes.set(ylim=(-reach, reach), xlabel=labels["layer axis"], ylabel=labels["stored axis"])
    axes.set_title(labels["stored title"])
    rises = table.numbers("expected")[-1] > 0
    axes.legend(
        fontsize=9, ncols=2, loc="lower right" if rises else "upper right", frameon=True, framealpha=1,
        edgecolor="none",
    )  # fmt: skip
    return picture


def guessed_layer() -> int:
    """Return the layer from which bfloat16 holds infinity for a signal that doubles in every layer."""
    return int(formats_theory.depth_of_overflow(GUESSED, BFLOAT16))
