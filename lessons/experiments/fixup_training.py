"""Lesson 8, second part: one epoch on digits, live up to 100 layers, recorded and on request at 10,000."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import figures
from figures.tools.table import Table, read_csv, stacked
from simulations.data.splits import digits_split
from simulations.networks.rivals import build
from simulations.numbers.arrays import Array
from simulations.training.optimiser import Descent
from simulations.training.run import blocks_of, start
from simulations.training.trainer import DivergenceError, Plan, Trainer
from theory.homogeneity import initial_loss

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

RECORDED = Path(figures.__file__).parent / "data" / "training_depth.csv"
SHOWN = {"Fixup, scalars at 1/1000": "C0", "Fixup, scalars at 1/10": "C1", "BatchNorm after": "C2", "He": "C3"}
WIDTH, BATCH, CLASSES, SLOW = 32, 64, 10, 0.001
DEEP, DEEP_RATE, STEPS = 10_000, 0.3, 20
NONE = "—"
"""The accuracy of a run that diverged, which its steps tell."""


def trainer(name: str, layers: int, rate: float, factor: float, seed: int) -> Trainer:
    """Prepare one epoch on the shipped digits, 20 batches of 64; scalars learn at `factor` times the rate."""
    data, plan = digits_split().flattened(), Plan(BATCH, 1, seed)
    sizes = {"features": data.training.x.shape[1], "classes": data.classes, "width": WIDTH}
    network = build(name, blocks=blocks_of(layers, 2), **sizes)
    return Trainer(network, start(name, network, data, plan), data, Descent(rate, 0.0, 0.0, factor), plan)


def epoch(run: Trainer, after: Callable[[], Any] = lambda: None) -> tuple[Array, float | None]:
    """Train; return loss and accuracy of each batch before its step, (steps, 2), and the test accuracy.

    A run that diverges has fewer steps, and None for an accuracy.
    """
    seen, test = [np.zeros(3)], None
    try:
        while run.step < run.steps:
            run.advance()
            over = [*run.epochs[-1].values(), 1.0] if run.epochs else []
            seen.append(np.array(over) * BATCH * run.steps if over else run.tallies.copy())
            after()
        test = run.evaluate(run.data.test)[1]
    except DivergenceError:
        pass
    return np.diff(seen, axis=0)[:, :2] / BATCH, test


def training(rival: str, layers: int, rate: float, seed: int) -> tuple[Table, dict[str, object]]:
    """Train a Fixup net and a rival; return accuracies batch by batch, and what a caption says."""
    groups, said = list[dict[str, object]](), dict[str, object]()
    for label, name in (("fixup", "fixup"), ("rival", rival)):
        batches, test = epoch(trainer(name, layers, rate, SLOW, seed))
        steps = np.arange(1, len(batches) + 1)
        groups.append({"start": label, "step": steps, "loss": batches[:, 0], "accuracy": batches[:, 1]})
        said |= {f"{label}_loss": batches[0, 0] if len(batches) else "∞", f"{label}_steps": len(batches)}
        said |= {f"{label}_test": NONE if test is None else test}
    table = stacked({"start": "", "step": "1", "loss": "1", "accuracy": "1"}, *groups)
    return table, said | {"expected": float(initial_loss.loss(CLASSES, 0))}


def draw_training(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw accuracy batch by batch, with a cross where a run diverged."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    for label, look in (("fixup", "o-"), ("rival", "s--")):
        rows = table.where(start=label)
        axes.plot(rows["step"], rows["accuracy"], look, label=labels[f"{label} curve"])
        if len(rows) < len(table.where(start="fixup")):
            axes.plot(len(rows) + 1, 0, "X", color="C1", markersize=12, clip_on=False, label=labels["diverged"])
    axes.axhline(1 / CLASSES, color="0.5", linestyle=":", label=labels["chance"])
    axes.set(ylim=(0, 1), xticks=range(0, STEPS + 1, 5), xlabel=labels["step axis"], ylabel=labels["accuracy axis"])
    axes.set_title(labels["training title"])
    axes.legend()
    return picture


def recorded() -> Table:
    """Return mean and range of the recorded test accuracies; an accuracy is "diverged" if a seed's run did."""
    found, groups = read_csv(RECORDED), list[dict[str, object]]()
    for name in SHOWN:
        rows = found.where(start=name)
        for layers in np.unique(rows.numbers("layers")):
            seeds = rows.where(layers=layers).numbers("measured")
            lost = bool(np.isnan(seeds).any())
            of_seeds = {"mean": seeds.mean(), "lowest": seeds.min(), "highest": seeds.max()}
            groups.append(
                {"start": name, "layers": layers, "runs": len(seeds)}
                | {key: "diverged" if lost else f"{value:.3f}" for key, value in of_seeds.items()}
            )
    return stacked({"start": "", "layers": "1", "runs": "1", "mean": "", "lowest": "", "highest": ""}, *groups)


def ends(table: Table) -> dict[str, object]:
    """Return the mean accuracies at the largest depth, as a caption names them."""
    rows = table.where(layers=DEEP)
    return dict(zip(("slow", "fast", "batch_norm", "he"), rows["mean"].tolist(), strict=True))


def draw_recorded(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw mean recorded accuracy against depth, with the range of the seeds; crosses on the axis diverged."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    for place, (name, color) in enumerate(SHOWN.items()):
        rows = table.where(start=name)
        lost = rows["mean"] == "diverged"
        low, mean, high = (rows[key][~lost].astype(float) for key in ("lowest", "mean", "highest"))
        depths = np.log10(rows.numbers("layers")) + 0.025 * (place - 1.5)
        axes.errorbar(depths[~lost], mean, [mean - low, high - mean], fmt=f"-{'os^D'[place]}", color=color, capsize=3)
        axes.plot(depths[~lost][:1], mean[:1], f"-{'os^D'[place]}", color=color, label=labels[name])
        axes.plot(depths[lost], np.zeros(lost.sum()), "X", color=color, markersize=10, clip_on=False)
    axes.axhline(1 / CLASSES, color="0.5", linestyle=":", label=labels["chance"])
    axes.set(xticks=range(1, 5), xticklabels=["10", "100", "1,000", "10,000"], ylim=(0, 1))
    axes.set(xlabel=labels["layers axis"], ylabel=labels["test axis"])
    axes.set_title(labels["recorded title"])
    axes.legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 0.14))
    return picture


def guessed_accuracy() -> float:
    """Return the mean recorded accuracy of 10,000 layers with slow scalars."""
    rows = read_csv(RECORDED).where(start=next(iter(SHOWN)), layers=DEEP)
    return float(rows.numbers("measured").mean())


def deep(seed: int, after: Callable[[], Any]) -> dict[str, object]:
    """Train 10,000 layers; `after` is called after each of the 20 steps. About six seconds."""
    before = time.perf_counter()
    batches, test = epoch(trainer("fixup", DEEP, DEEP_RATE, SLOW, seed), after)
    found: dict[str, object] = {"test": NONE if test is None else test, "seconds": time.perf_counter() - before}
    return (
        found
        | {"steps": len(batches), "seed": seed, "expected": float(initial_loss.loss(CLASSES, 0))}
        | {"loss": batches[0, 0] if len(batches) else "∞"}
    )
