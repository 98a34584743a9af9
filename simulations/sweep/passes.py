"""One pass over the blocks that are missing in a store, with workers that may break down before it ends."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from dataclasses import dataclass

from simulations.executors import Crew
from simulations.sweep.block import STREAM_VERSION, run_block
from simulations.sweep.grid import Cell
from simulations.sweep.moments import Moments
from simulations.sweep.plan import Part, Plan
from simulations.sweep.store import Store

AHEAD = 3
"""Blocks handed out for each worker: one that runs and two that wait, so that none waits for the driver."""
GRACE = 2.0
"""Seconds that running blocks have to end after an interrupt."""


class SweepError(RuntimeError):
    """A sweep that could not be finished; what was done is stored."""


@dataclass(frozen=True)
class Progress:
    """How far a sweep is."""

    done: int
    total: int
    """Blocks."""
    seconds_left: float
    """From the pace so far; infinite before the first block."""


Report = Callable[[Progress], None]


def work(cell: Cell, block: int, draws: int, seed: int, names: tuple[str, ...], version: int) -> dict[str, Moments]:
    """Run a block, on a worker that may have another Fathom than the driver."""
    if version != STREAM_VERSION:
        raise SweepError(f"a worker has stream version {STREAM_VERSION}, the driver {version}; give both one Fathom")
    return run_block(cell, block, draws, seed, names)


class Pass:
    """One pass over the blocks that are missing, with workers that may break down before it ends."""

    def __init__(self, plan: Plan, store: Store, progress: Report) -> None:
        self.plan, self.store, self.progress = plan, store, progress
        self.missing = list(plan.missing(store))
        # Two drivers of one store begin at different places, and so share the work rather than do it twice.
        start = secrets.randbelow(len(self.missing) + 1)
        self.missing = self.missing[start:] + self.missing[:start]
        self.done, self.stored = plan.blocks - len(self.missing), 0
        self.flying: dict[Future[dict[str, Moments]], tuple[Part, int]] = {}
        self.began = time.monotonic()

    def run(self, crew: Crew, interrupted: Callable[[], bool]) -> None:
        """Keep every worker busy until all is done, or until interrupted."""
        queue = iter(self.missing)
        try:
            while not interrupted():
                while len(self.flying) < AHEAD * crew.workers and (number := next(queue, None)) is not None:
                    self.hand_out(crew.executor, number)
                if not self.flying:
                    return
                self.take(wait(self.flying, timeout=0.2, return_when=FIRST_COMPLETED).done)
            self.take(wait([future for future in self.flying if not future.cancel()], timeout=GRACE).done)
        except (BrokenExecutor, CancelledError):
            whole = {future for future in self.flying if future.done() and not future.cancelled()}
            self.take({future for future in whole if future.exception() is None})
            raise
        finally:
            # Processes are ended with all they have; a future cancelled before that makes their pool's thread fail.
            for future in () if isinstance(crew.executor, ProcessPoolExecutor) else self.flying:
                future.cancel()

    def hand_out(self, executor: Executor, number: int) -> None:
        """Give a block to the executor, unless another driver has stored it in the meantime."""
        part, block = self.plan.block(number)
        if self.store.has(part.cell.key, block, part.quantities):
            self.done += 1
            return
        job = (part.cell, block, part.draws, self.plan.grid.seed, part.quantities, STREAM_VERSION)
        self.flying[executor.submit(work, *job)] = part, block

    def take(self, ended: set[Future[dict[str, Moments]]]) -> None:
        """Store what came of blocks."""
        for future in ended:
            part, block = self.flying.pop(future)
            try:
                results = future.result()
            except (BrokenExecutor, CancelledError):
                raise
            except Exception as error:
                what = f"{type(error).__name__}: {' '.join(str(error).split())}"
                raise SweepError(
                    f"block {block} of {part.cell.key} failed ({what}); what was done is stored"
                ) from error
            self.store.add(part.cell.key, block, part.draws, results)
            self.done, self.stored = self.done + 1, self.stored + 1
            self.report()

    def report(self) -> None:
        """Tell how far the sweep is."""
        pace = (time.monotonic() - self.began) / self.stored if self.stored else math.inf
        left = self.plan.blocks - self.done
        self.progress(Progress(self.done, self.plan.blocks, pace * left if left else 0.0))
