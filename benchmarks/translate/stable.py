"""The largest rate of SGD with momentum at which training begins well, against depth.

A rate is stable if the mean loss of the last ten of 60 steps is below the loss before the first. Rates are powers of
sqrt(2), tried one after the other from where the depth before ended: upwards until one is not stable, or downwards
until one is. That rates between are stable as well is not tried.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.translate.store import Cell, Outcome, Store, start
from simulations.training.trainer import DivergenceError
from simulations.translate.task import Task

STEPS, LAST = 60, 10
DEPTHS = (1, 2, 4, 8, 16)
LOWEST, FIRST, HIGHEST = -30, -8, 6
"""Exponents of sqrt(2)."""


def measure(task: Task, cell: Cell) -> Outcome:
    """Train, and return the loss of a training token before the first step, and in the mean of the last ten."""
    run = start(task, cell)
    losses: list[float] = []
    try:
        for _ in range(cell.steps):
            run.tallies[:] = 0
            run.advance()
            of_step = run.averages() if run.tallies[2] else run.epochs[-1]  # where the step ended an epoch
            losses.append(of_step["loss"])
    except DivergenceError:
        return {"first": losses[0] if losses else None, "last": None, "diverged after": run.step}
    return {"first": losses[0], "last": sum(losses[-LAST:]) / LAST, "diverged after": None}


def is_stable(outcome: Outcome) -> bool:
    """Say whether the loss fell."""
    return outcome["last"] is not None and bool(outcome["last"] < outcome["first"])


def largest(stable: Callable[[int], bool], first: int) -> int | None:
    """Walk from an exponent to the largest that is stable; None if none is that is above the lowest."""
    if stable(first):
        while first < HIGHEST and stable(first + 1):
            first += 1
        return first
    while first > LOWEST:
        first -= 1
        if stable(first):
            return first
    return None


def rates(store: Store, recipe: str, seed: int, depths: tuple[int, ...] = DEPTHS) -> dict[int, float | None]:
    """Return the largest stable rate for each number of layers a side."""
    found: dict[int, float | None] = {}
    exponent: int | None = FIRST
    for layers in depths:

        def stable(power: int, layers: int = layers) -> bool:
            return is_stable(store.outcome(Cell(recipe, layers, "sgd", rate_of(power), seed, STEPS)))

        exponent = largest(stable, FIRST if exponent is None else exponent)
        found[layers] = None if exponent is None else rate_of(exponent)
    return found


def rate_of(exponent: int) -> float:
    """Return a power of sqrt(2) to four digits."""
    return float(f"{2 ** (exponent / 2):.4g}")
