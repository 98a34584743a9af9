"""Lesson 4, sixth part: what training in stages rescues, recorded and on request."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import figures
from figures.tools.table import Table, stacked
from simulations import Network, he, mlp, one_hot, stream
from simulations.data.splits import digits_split
from simulations.layers.dense import Parameters
from simulations.training.sgd import step
from simulations.training.stages import grown

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

RESULTS = Path(figures.__file__).resolve().parents[1] / "benchmarks" / "results" / "staged.json"
WAYS = {"one go": ("o", "C0"), "stages": ("s", "C1")}
STAGES, EPOCHS, BATCH, WIDTH, RATE = (8, 14, 20), 10, 64, 32, 0.03
"""Layers of each stage, epochs of each, images a step, units a layer, learning rate."""


def recorded(start: str) -> Table:
    """Return recorded test accuracies, (mean, lowest, highest) of three seeds, of ReLU nets against depth."""
    found = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"]
    groups: list[dict[str, object]] = []
    for way in WAYS:
        rows = [row for row in found if row["start"] == f"{start}, {way}"]
        tests = np.array([row["test"] for row in rows])
        groups.append(
            {"way": way, "layers": np.array([row["layers"] for row in rows]), "mean": tests.mean(axis=1)}
            | {"lowest": tests.min(axis=1), "highest": tests.max(axis=1)}
        )
    return stacked({"way": "", "layers": "1", "mean": "1", "lowest": "1", "highest": "1"}, *groups)


def at(table: Table, layers: int) -> dict[str, float]:
    """Return the mean accuracies at a depth, as a caption names them."""
    return {way.replace(" ", "_"): float(table.where(way=way, layers=layers)["mean"][0]) for way in WAYS}


def draw_recorded(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw mean recorded accuracy against depth, with the range of the seeds."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    for place, (way, (mark, color)) in enumerate(WAYS.items()):
        rows = table.where(way=way)
        low, mean, high = (rows.numbers(key) for key in ("lowest", "mean", "highest"))
        depths = rows.numbers("layers") + 0.3 * (place - 0.5)
        spread = np.maximum([mean - low, high - mean], 0)  # a mean of three equal numbers may be off in its last bit
        axes.errorbar(depths, mean, spread, fmt=mark, color=color, capsize=3, label=labels[way])
    axes.axhline(0.1, color="0.5", linestyle=":", label=labels["chance"])
    axes.set(ylim=(0, 1.2), yticks=np.linspace(0, 1, 6), xticks=sorted(set(table["layers"].tolist())))
    axes.set(xlabel=labels["layers axis"], ylabel=labels["accuracy axis"], title=labels["staged title"])
    axes.legend(ncols=3, loc="upper center", columnspacing=1, fontsize=10)
    return picture


def staged(seed: int, after: Callable[[], Any]) -> dict[str, object]:
    """Train 20 layers of Xavier's weights in one go and in stages, 30 epochs each; `after` is called after each."""
    before, last = time.perf_counter(), STAGES[-1]
    network, parameters = plain(last), plain(last).draw(_rng(seed, "one go"), 1)
    parameters = _trained(network, parameters, len(STAGES) * EPOCHS, _rng(seed, "batches"), after)
    one_go, parameters, rng = accuracy(network, parameters), {}, _rng(seed, "batches")
    for number, layers in enumerate(STAGES):
        network = plain(layers)
        drawn = network.draw(_rng(seed, f"stage {number}"), 1)
        drawn = grown(parameters, STAGES[number - 1], drawn, layers) if parameters else drawn
        parameters = _trained(network, drawn, EPOCHS, rng, after)
    found: dict[str, object] = {"one_go": one_go, "stages": accuracy(network, parameters)}
    return found | {"seconds": time.perf_counter() - before, "seed": seed, "layers": last}


def _rng(seed: int, what: str) -> np.random.Generator:
    return stream(seed, "lesson 4", what)


def plain(layers: int) -> Network:
    """Build a ReLU net of `layers` matrices of Xavier's variance 1/n, the readout included."""
    init, data = he.scaled(math.sqrt(0.5)), digits_split().flattened()
    widths = [data.training.x.shape[1]] + [WIDTH] * (layers - 1)
    return mlp(widths, init=init, classes=data.classes, readout=init)


def _trained(
    network: Network, parameters: Parameters, epochs: int, rng: np.random.Generator, after: Callable[[], Any]
) -> Parameters:
    data = digits_split().flattened()
    for _ in range(epochs):
        order = rng.permutation(len(data.training))
        for chosen in np.split(order[: len(order) // BATCH * BATCH], len(order) // BATCH):
            x, labels = data.training.x[chosen][None], data.training.labels[chosen][None]
            parameters = step(network, parameters, x.astype(np.float64), one_hot(labels, data.classes), RATE).parameters
        after()
    return parameters


def accuracy(network: Network, parameters: Parameters) -> float:
    """Return the share of the test images that one net names."""
    test = digits_split().flattened().test
    named = network.run(parameters, test.x.astype(np.float64)[None]).output[0].argmax(axis=1)
    return float((named == test.labels).mean())
