"""What dropout does where it should help, as a network sees few pairs again and again: with and without LayerNorm."""

from __future__ import annotations

from benchmarks.translate.store import Cell, Outcome, Store, start
from simulations.translate.run import train
from simulations.translate.task import Task

PAIRS, STEPS, LAYERS, RATE = 2000, 2000, 2, 3e-3
RECIPES = ("pre", "fixup")
SHARES = (0.0, 0.1, 0.3)


def measure(task: Task, cell: Cell) -> Outcome:
    """Train and return the loss of training and of validation pairs, nothing dropped, with exact match and BLEU."""
    run = start(task, cell)
    result = train(task, run, cell.steps)
    if result.loss is None:
        return {"loss": None, "steps": result.steps}
    training, _ = run.evaluate(task.pairs(task.corpus.training))
    test = result.scores["test"]
    return {"training": training, "loss": result.loss, "exact": test.exact, "bleu": test.bleu}


def outcome(store: Store, recipe: str, share: float, seed: int) -> Outcome:
    """Return what came of one run."""
    return store.outcome(Cell(recipe, LAYERS, "adam", RATE, seed, STEPS, share))
