"""Lesson 12's nets as a whole: what is predicted along them and what was seen, and the audit of one in PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from audit.report import Report
from audit.run import audit
from figures.tools.table import Table, stacked
from lessons.experiments.own_network import DEPTH, WIDTH, middle, widths

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture


def along(report: Report) -> Table:
    """Return the mean square that each layer but the first is given, and the output's, as predicted and as seen."""
    rows = [one.as_numbers() for one in report.places]
    units = dict.fromkeys(("place", "predicted", "low", "high", "measured", "standard error"), "1")
    columns = {name: [float(one[name]) for one in rows] for name in units if name != "place"}
    exact = all(one["reading"] == "exact" for one in rows)
    kept = [name for name in units if exact or name not in ("low", "high")]
    places = {"place": np.arange(1, len(rows) + 1)}
    return stacked(dict.fromkeys(kept, "1"), places | {name: columns[name] for name in kept if name != "place"})


def draw_along(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw what is predicted along a net, with a band where it is exact, and what was seen."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    axes.set(xlabel=labels["along across"], ylabel=labels["along up"], title=labels["along title"])
    exact = "low" in table.units
    if exact:
        low = np.maximum(table.numbers("low"), 1e-3)
        axes.fill_between(table["place"], low, table.numbers("high"), color="C0", alpha=0.2, linewidth=0)
    style, name = ("-", "predicted exact") if exact else ("--", "predicted field")
    axes.plot(table["place"], table["predicted"], style, color="C0" if exact else "C1", label=labels[name])
    errors = 2 * table.numbers("standard error")
    axes.errorbar(table["place"], table["measured"], errors, fmt="o", color="C0", label=labels["column measured"])
    axes.set_yscale("log")
    axes.minorticks_off()
    axes.yaxis.set_major_formatter("{x:g}")
    axes.locator_params(axis="x", integer=True)
    axes.legend(loc="lower left")
    return picture


def whole(report: Report) -> tuple[str, str]:
    """Return the kind of the statement on the whole net, and its verdict."""
    said = next(one for one in report.statements if one.kind in ("exact, whole net", "mean field"))
    return said.kind, said.verdict


def installed() -> bool:
    """Whether PyTorch is there, for the audit of a model of its own."""
    return find_spec("torch") is not None


def in_pytorch(seeds: int = 20) -> Report:
    """Audit the net of the question as a model of PyTorch: He's weights, but for one layer that nobody has set."""
    import torch
    from torch import nn

    sides = widths(DEPTH, WIDTH)

    def make() -> nn.Module:
        layers: list[nn.Module] = []
        for number, (inputs, outputs) in enumerate(pairwise(sides), start=1):
            layers += [nn.Linear(inputs, outputs, bias=False), nn.ReLU()]
            if number != middle(DEPTH):
                nn.init.kaiming_normal_(layers[-2].weight, nonlinearity="linear" if number == 1 else "relu")
        return nn.Sequential(*layers[:-1])

    with torch.random.fork_rng():
        return audit(
            make, np.ones((1, WIDTH), dtype=np.float32), seeds=seeds, claim={"*": "he_fan_in", "0.weight": "lecun"}
        )


def in_numbers(report: Report) -> dict[str, object]:
    """Return what the audit of PyTorch's model says: how many statements of each verdict, and the worst of a layer."""
    worst = next(one for one in report.statements if one.kind == "exact, given the input")
    return {
        **report.counts(),
        "seeds": report.seeds,
        "where": worst.where,
        "ratio": worst.numbers["seen / expected"],
        "low": worst.numbers["low"],
    }
