"""Lesson 4, third part: gains of a library's table beside the exact ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from claims.layer.gains import LAYERS, TORCH
from figures.tools.table import Table, stacked
from lessons.experiments.he import units
from lessons.tools.prose import typeset
from theory.layer import gains

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture


def named(which: str, own: float, seed: int) -> Table:
    """Measure the factor of one layer on variance 1, at PyTorch's gain or the exact one, and at the student's own."""
    z, names = units(seed), list(LAYERS)
    chosen = np.array([float(TORCH[name] if which == "library" else gains.gain(name)) for name in names])
    squares = np.array([float(gains.second_moment(name)) for name in names])
    found = np.array([np.mean(LAYERS[name].forward({}, z)[0] ** 2) for name in names])
    return stacked(
        {"activation": "", **dict.fromkeys(("gain", "expected", "measured", "own expected", "own measured"), "1")},
        {
            "activation": np.array(names),
            "gain": chosen,
            "expected": chosen**2 * squares,
            "measured": chosen**2 * found,
            "own expected": own**2 * squares,
            "own measured": own**2 * found,
        },
    )


def draw_named(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw a bar an activation with the measured point on it, the student's own, and the line at 1."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    places, expected = np.arange(len(table)), table.numbers("expected")
    axes.barh(places, expected, height=0.6, color="0.85", label=labels["closed form"])
    axes.plot(table["measured"], places, "o", color="C1", label=labels["measured"])
    axes.plot(table["own measured"], places, "D", color="C0", markerfacecolor="none", label=labels["own points"])
    axes.axvline(1, color="C0", linewidth=2)
    names = zip(table["activation"].tolist(), table["gain"].tolist(), strict=True)
    axes.set_yticks(places, [f"{labels[f'name {name}']}, $g$ = {gain:.3f}" for name, gain in names])
    widest = 1.8 * max(expected.max(), table.numbers("own measured").max())
    axes.set(xlabel=labels["factor axis"], xlim=(0, widest), title=labels["named title"])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.legend(loc="center right")
    return picture


def named_values(table: Table) -> dict[str, str]:
    """Return what the caption says of tanh and SELU, to four digits: 1.095 is not 1.1."""
    rows = {name: table.where(activation=name) for name in ("tanh", "SELU")}
    columns = [column for column in table.units if column != "activation"]
    return {
        f"{name}_{column.replace(' ', '_')}": typeset(row[column][0], 4)
        for name, row in rows.items()
        for column in columns
    }
