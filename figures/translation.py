"""Largest stable rate, and what is learnt, against depth, of Transformers that start by different recipes."""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.drawing import beside, joined
from figures.tools.figure import Effort, Figure
from figures.tools.table import Table, row, stacked

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="To translate by SGD, Fixup's rule 2 is worth more, the deeper a Transformer is",
    finding=(
        "Without rule 2 (zero last layers alone) the largest stable rate of SGD falls like 1/L, by 16 from 5 to 80 "
        "branches; with Fixup by 3, with LayerNorm not at all. After 300 steps of SGD Fixup is at 1.57 nats a token "
        "with 10 branches and at 1.51 with 120, where T-Fixup is at 2.25, LayerNorm before each branch at 2.57, and "
        "zero last layers diverge at every rate. With Adam T-Fixup is ahead: 1.14 with 120 branches."
    ),
    alt=(
        "Three panels against residual branches, 5 to 500, logarithmic. Largest stable rate of SGD: three recipes with "
        "LayerNorm or DeepNorm stay near 0.5, Fixup and T-Fixup fall to 0.09, zero last layers along a line 1/L, no "
        "norm out of sight. Validation loss by SGD: Fixup flat near 1.6 up to 120, all others higher there. By "
        "Adam: T-Fixup lowest at 1, the others above 1.2."
    ),
    source="Beyond Zhang, Dauphin & Ma 2019, section 4.3; runs from benchmarks/results/translate.json",
    parameters={"recipes": ["pre", "post", "none", "deepnorm", "fixup", "fixup, m = 4", "zero last", "t-fixup"]},
    tolerance=1e-12,
    key={
        "bars": "measured, bars over seeds",
        "join": "joins measured points: no closed form",
        "line": "slope $-1$",
    },
)
UNITS = {"part": "", "recipe": "", "branches": "1", "seeds": "1", "low": "1", "measured": "1", "high": "1"}
RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results" / "translate.json"
HIGHEST = 4.0
"""Nats a token; what lies above has learnt next to nothing."""
PANELS = {"stable": "largest stable rate of SGD", "sgd": "validation loss by SGD", "adam": "validation loss by Adam"}


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Read what the benchmark measured: the median over its seeds, the least and the largest; all efforts are alike."""
    found = json.loads(RESULTS.read_text())
    groups: list[dict[str, object]] = [row(UNITS, "", "", *[np.zeros(0)] * 5)]
    for recipe in parameters["recipes"]:
        seen = {"stable": stable(found["stable"], recipe)}
        seen |= {one: learnt(found["quality"], recipe, one) for one in ("sgd", "adam")}
        for part, cells in seen.items():
            for branches, values in sorted(cells.items()):
                middle = statistics.median_low(values)
                groups.append(row(UNITS, part, recipe, branches, len(values), min(values), middle, max(values)))
    return stacked(UNITS, *groups)


def stable(rows: list[dict[str, Any]], recipe: str) -> dict[int, list[float]]:
    """Return the largest rate at which the loss fell, by branches, of each seed that has one."""
    best: dict[tuple[int, int], float] = {}
    for one in rows:
        cell, outcome = one["cell"], one["outcome"]
        if cell["recipe"] == recipe and outcome["last"] is not None and outcome["last"] < outcome["first"]:
            place = 5 * cell["layers"], cell["seed"]
            best[place] = max(best.get(place, 0.0), cell["rate"])
    return _by_branches(best)


def learnt(rows: list[dict[str, Any]], recipe: str, optimiser: str) -> dict[int, list[float]]:
    """Return the least validation loss over the rates that were tried, by branches, of each seed."""
    best: dict[tuple[int, int], float] = {}
    for one in rows:
        cell, loss = one["cell"], one["outcome"]["loss"]
        if (cell["recipe"], cell["optimiser"]) == (recipe, optimiser) and loss is not None:
            place = 5 * cell["layers"], cell["seed"]
            best[place] = min(best.get(place, math.inf), loss)
    return _by_branches(best)


def _by_branches(best: dict[tuple[int, int], float]) -> dict[int, list[float]]:
    return {branches: [value for (at, _), value in best.items() if at == branches] for branches, _ in best}


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw points with the range over seeds, and 1/L for the eye."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots(1, len(PANELS), figsize=(10.5, 4.6))
    looks = zip("osPDv^X*", [*plt.rcParams["axes.prop_cycle"], {"color": "0.4"}], strict=False)
    marks = dict(zip(parameters["recipes"], looks, strict=True))
    for here, (part, label) in zip(axes, PANELS.items(), strict=True):
        rows = table.where(part=part)
        for recipe, (mark, cycle) in marks.items():
            one = rows.where(recipe=recipe)
            middle = one.numbers("measured")
            spread = [middle - one.numbers("low"), one.numbers("high") - middle]
            joined(here, one["branches"], middle, **cycle)
            here.errorbar(one["branches"], middle, spread, fmt=mark, capsize=2, label=recipe, **cycle)
        here.set(xscale="log", xlabel="residual branches $L$", ylabel=label)
        branches = sorted(set(rows["branches"].tolist()))
        here.set_xticks(branches, [f"{one:g}" for one in branches])
        here.minorticks_off()
        if part != "stable":
            here.set_ylim(0.8, HIGHEST)
    ends = np.array([5.0, 80.0])
    axes[0].plot(ends, 0.088 * 5 / ends, color="black", linewidth=0.8)
    beside(axes[0], "$1/L$", (80, 0.0055), (-4, -8), ha="right")
    axes[0].set(yscale="log")
    picture.legend(*axes[0].get_legend_handles_labels(), loc="outside right center")
    return picture
