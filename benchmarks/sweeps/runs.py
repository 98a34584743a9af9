"""Timed sweeps: the driver, store and workers that every sweep has, with a watch on each block."""

from __future__ import annotations

import contextlib
import math
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from simulations.executors import Crew
from simulations.sweep.driver import open_store, run
from simulations.sweep.grid import Grid
from simulations.sweep.moments import Moments
from simulations.sweep.plan import Plan

DEPTH, WIDTH = 10, 64
ENGINES = ("radial", "undrawn", "drawn")


@dataclass(frozen=True)
class Timing:
    """One timed sweep."""

    networks: int
    workers: int
    seconds: float
    blocks: tuple[float, ...]
    """Seconds that a worker spent on each."""

    @property
    def rate(self) -> float:
        """Networks a second."""
        return self.networks / self.seconds

    @property
    def block(self) -> float:
        """Seconds a block, typically."""
        return median(self.blocks)

    @property
    def overhead(self) -> float:
        """What all workers together had of time, over what blocks took, less 1.

        It has all that is not a block: the driver, the store, sending, and workers that wait, at the end too. Blocks
        are shared out evenly here; where they are not, the last ones add up to a block's time once a sweep.
        """
        return self.workers * self.seconds / math.fsum(self.blocks) - 1


class Clocked(dict[str, Moments]):
    """The results of a block, and how long it took."""

    seconds = 0.0


def clocked(function: Callable[..., dict[str, Moments]], *args: Any) -> Clocked:
    """Call, with a watch."""
    begin = time.perf_counter()
    found = Clocked(function(*args))
    found.seconds = time.perf_counter() - begin
    return found


class Watch(Executor):
    """An executor that remembers how long its calls took, where they ran."""

    def __init__(self, inner: Executor) -> None:
        self.inner, self.futures = inner, list[Future[Any]]()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Hand the call on."""
        self.futures.append(self.inner.submit(clocked, fn, *args))
        return self.futures[-1]


def plan_of(engine: str, seconds: float | None = None, blocks: int = 12) -> Plan:
    """Return a plan of so many blocks of plain ReLU networks of 10 layers and width 64.

    Parameters
    ----------
    seconds : float, optional
        Roughly, that a block takes; as sweeps have them, if not given. (0 makes blocks of one draw.)
    """
    whole = Plan.of(Grid(depth=(DEPTH,), width=(WIDTH,), engine=(engine,)))
    part = whole.parts[0]
    draws = part.draws if seconds is None else max(1, round(part.draws * seconds / part.seconds))
    grid = replace(whole.grid, draws=draws * blocks)
    return Plan(grid, (replace(part, draws=draws, blocks=blocks, seconds=part.seconds * draws / part.draws),))


def timed(plan: Plan, crew: Crew, stored: bool = True) -> Timing:
    """Run a plan on workers that are there already, to a new store on disk (or in memory)."""
    watch = Watch(crew.executor)
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        with open_store(plan.grid, Path(folder) / "sweep.db" if stored else None, False) as store:
            run(plan, store, lambda: contextlib.nullcontext(Crew(watch, crew.workers)))
        seconds = time.perf_counter() - begin
    blocks = tuple(future.result().seconds for future in watch.futures)
    return Timing(plan.parts[0].draws * len(blocks), crew.workers, seconds, blocks)


def alternating(plan: Plan, crews: dict[str, Crew], rounds: int) -> dict[str, list[Timing]]:
    """Time a plan on each crew in turn, again and again, so that a busy spell of the machine is shared by all."""
    found: dict[str, list[Timing]] = {name: [] for name in crews}
    for _ in range(rounds):
        for name, crew in crews.items():
            found[name].append(timed(plan, crew))
    return found
