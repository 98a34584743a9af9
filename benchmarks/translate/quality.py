"""What recipes learn in a few hundred steps: the best of five rates by validation loss, then exact match and BLEU.

The deepest networks are tried with one seed, at the rate that was best at the depth before, and lower if they diverge.
"""

from __future__ import annotations

from math import inf

from benchmarks.translate.store import Cell, Outcome, Store, start
from simulations.translate.run import train
from simulations.translate.task import Task

STEPS, LAYERS = 300, (2, 8, 24, 100)
RATES = {"sgd": (0.03, 0.1, 0.01, 0.3, 1.0), "adam": (1e-3, 3e-3, 3e-4, 1e-2, 3e-2)}


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

    *_, before, deepest = LAYERS
    if layers == deepest:
        highest = best(store, recipe, before, optimiser, 1)[0]["rate"]
        lower = sorted((rate for rate in RATES[optimiser] if rate <= highest), reverse=True)
        once = (outcome(rate, 0) for rate in lower)
        return [next((one for one in once if one["loss"] is not None), {"loss": None})]
    tried = [outcome(rate, 0) for rate in RATES[optimiser]]
    chosen = min(tried, key=lambda one: inf if one["loss"] is None else one["loss"])
    return [chosen, *(outcome(chosen["rate"], seed) for seed in range(1, seeds))]
