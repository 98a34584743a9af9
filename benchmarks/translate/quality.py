"""What recipes learn in a few hundred steps: the best of four rates by validation loss, then exact match and BLEU."""

from __future__ import annotations

from math import inf

from benchmarks.translate.store import Cell, Outcome, Store, start
from simulations.translate.run import train
from simulations.translate.task import Task

STEPS = 300
RATES = {"sgd": (0.03, 0.1, 0.01, 0.3), "adam": (1e-3, 3e-3, 3e-4, 1e-2)}


def measure(task: Task, cell: Cell) -> Outcome:
    """Train and return the validation loss, None if it diverged, with exact match and BLEU on test pairs."""
    result = train(task, start(task, cell), cell.steps)
    if result.loss is None:
        return {"loss": None, "steps": result.steps}
    test = result.scores["test"]
    return {"loss": result.loss, "accuracy": result.accuracy, "exact": test.exact, "bleu": test.bleu}


def best(store: Store, recipe: str, layers: int, optimiser: str, seeds: int) -> list[Outcome]:
    """Choose the rate on seed 0; return the outcomes of all seeds at it, each with its rate."""

    def outcome(rate: float, seed: int) -> Outcome:
        return store.outcome(Cell(recipe, layers, optimiser, rate, seed, STEPS)) | {"rate": rate}

    tried = [outcome(rate, 0) for rate in RATES[optimiser]]
    chosen = min(tried, key=lambda one: inf if one["loss"] is None else one["loss"])
    return [chosen, *(outcome(chosen["rate"], seed) for seed in range(1, seeds))]
