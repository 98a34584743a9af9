"""Run a sweep: hand out the blocks that are missing in the store, store each as it comes, and merge them at the end.

The store is the only truth about what is done, so a driver that is killed, or whose workers are, begins again by asking
it. Blocks are merged in their order when results are read: these depend on the grid alone, to the bit.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from simulations.executors import Crew, Hire, LostExecutorError, cores, processes, threads
from simulations.sweep.block import STREAM_VERSION
from simulations.sweep.grid import Grid
from simulations.sweep.passes import Pass, Report, SweepError
from simulations.sweep.plan import Plan
from simulations.sweep.store import Store

if TYPE_CHECKING:
    import xarray


def sweep(
    grid: Grid,
    store: Path | str | None = None,
    executor: Executor | None = None,
    progress: Report = lambda state: None,
    *,
    workers: int | None = None,
    extend: bool = False,
) -> xarray.Dataset:
    """Run what is missing of a grid, and return its results as labelled arrays; needs the extra ``sweep``.

    Parameters
    ----------
    store : path, optional
        A file that keeps every block: the same call goes on where another was killed. In memory, if not given.
    executor : concurrent.futures.Executor, optional
        Where blocks run; if not given, processes of this machine (or threads, see `hire`).
    progress : callable
        Told after every block.
    workers : int, optional
        How many blocks run at once, on `executor` too; as many as there are cores, if not given.
    extend : bool
        Whether the store may hold another grid, to which this one is added.

    Returns
    -------
    xarray.Dataset
        See ``results.dataset``.

    Raises
    ------
    StoreError
        If the store cannot be used or written.
    SweepError
        If a block fails or the workers break down.
    KeyboardInterrupt
        On SIGINT, after what has come is stored.
    """
    from simulations.sweep.results import dataset

    plan = Plan.of(grid)
    count = workers or cores()
    with open_store(grid, store, extend) as opened:
        run(plan, opened, hire(plan, count) if executor is None else _borrowed(Crew(executor, count)), progress)
        return dataset(opened, plan)


def open_store(grid: Grid, store: Path | str | None, extend: bool) -> Store:
    """Open the store of a grid."""
    return Store.open(store, {"seed": grid.seed, "stream version": STREAM_VERSION}, asdict(grid), extend)


def hire(plan: Plan, workers: int) -> Hire:
    """Choose processes or threads: a sweep that ends before processes would have started runs on a thread."""
    if workers == 1 or plan.blocks == 1:
        return lambda: threads(1)
    return lambda: processes(min(workers, plan.blocks))


def run(plan: Plan, store: Store, use: Hire, progress: Report = lambda state: None) -> None:
    """Run the blocks of a plan that are missing in a store; see `sweep`."""
    with interrupts() as interrupted:
        while True:
            attempt = Pass(plan, store, progress)
            attempt.report()
            if not attempt.missing:
                return
            try:
                with use() as crew:
                    attempt.run(crew, interrupted)
            except (BrokenExecutor, LostExecutorError) as error:  # workers were killed, or a scheduler was
                if not attempt.stored:
                    raise SweepError(
                        f"the workers broke down before they finished a block ({error or type(error).__name__}): were "
                        f"they killed, or out of memory? what was done is stored; repeat the command to go on"
                    ) from None
                continue
            if interrupted():
                raise KeyboardInterrupt
            return


def _borrowed(crew: Crew) -> Hire:
    return lambda: contextlib.nullcontext(crew)


@contextlib.contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Note the first SIGINT, of which the function given tells; the second one interrupts as usual."""
    seen: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # which alone hears them
        yield lambda: False
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: object) -> None:
        seen.append(number)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(seen)
    finally:
        signal.signal(signal.SIGINT, before)
