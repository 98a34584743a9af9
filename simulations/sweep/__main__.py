"""Sweep a grid of networks: ``python -m simulations.sweep --help``.

Exit status: 0, 1 if blocks or workers failed, 2 for bad usage or input, 130 after an interrupt.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from simulations.command_line import run as finish
from simulations.executors import Crew, ExecutorError, Hire, cores, dask
from simulations.sweep import export
from simulations.sweep.driver import hire, open_store, run
from simulations.sweep.export import ExportError
from simulations.sweep.grid import Grid, GridError
from simulations.sweep.options import grid_of, parse
from simulations.sweep.passes import Progress, SweepError
from simulations.sweep.plan import MOST_CELLS, MOST_SECONDS, Plan, duration
from simulations.sweep.results import Entry, MissingLibraryError, entries
from simulations.sweep.store import Store, StoreError


def main(
    arguments: Sequence[str] | None = None,
    program: str = "python -m simulations.sweep",
    beside: Callable[[Entry], str] | None = None,
) -> int:
    """Do what the command line asks and return the exit status; `beside` puts a column into the table of means."""
    options = parse(arguments, program)
    kept = f"; what was done is in {options.store}, and the same command goes on" if options.store else ""
    return finish(partial(_told, options, beside), program, f"interrupted{kept or ', nothing kept (see --store)'}")


def _told(options: argparse.Namespace, beside: Callable[[Entry], str] | None) -> int:
    try:
        return _main(options, beside)
    except (GridError, StoreError, ExportError, ExecutorError, MissingLibraryError) as error:
        return _say(error, 2)
    except SweepError as error:
        return _say(error, 1)


def _main(options: argparse.Namespace, beside: Callable[[Entry], str] | None) -> int:
    grid = grid_of(options)
    if grid is None:
        return _look(options)
    _check_size(grid, options.yes or options.dry_run)
    plan = Plan.of(grid)
    workers = options.workers or cores()
    where = f"on Dask at {options.dask}" if options.dask else "on this machine"
    if options.dry_run:
        print(plan.text(1 if options.dask else workers, where))
        return 0
    _check_time(plan, workers, options)
    if options.export:
        export.check(options.export)
    use: Hire = partial(dask, options.dask) if options.dask else hire(plan, workers)
    with open_store(grid, options.store, options.extend) as store, _Line() as line:
        run(plan, store, lambda: _announced(plan, use, where), line.show)
        line.clear()
        print(export.summary(entries(store, plan), beside), end="")
        _results(store, plan, options)
    return 0


@contextlib.contextmanager
def _announced(plan: Plan, use: Hire, where: str) -> Iterator[Crew]:
    """Show the plan once there are workers, so that what cannot begin says only why."""
    with use() as crew:
        print(plan.text(crew.workers, where), file=sys.stderr)
        yield crew


def _look(options: argparse.Namespace) -> int:
    """Show or export what a store has, without a grid."""
    if not options.store or not (options.digest or options.export):
        raise GridError("no grid: give axes such as --depth 10 --width 64, or a TOML file (see --help)")
    if options.export:
        export.check(options.export)
    with Store.read(options.store) as store:
        _results(store, None, options)
    return 0


def _results(store: Store, plan: Plan | None, options: argparse.Namespace) -> None:
    if options.export:
        export.export(options.export, store, plan)
    if options.digest:
        print(store.digest())


def _check_size(grid: Grid, yes: bool) -> None:
    if grid.size > MOST_CELLS and not yes:
        raise GridError(f"the grid has {grid.size:,} cells; add --yes if that is meant, or leave values out")


def _check_time(plan: Plan, workers: int, options: argparse.Namespace) -> None:
    if plan.seconds > MOST_SECONDS and not options.yes:
        raise GridError(
            f"the grid has {plan.grid.size:,} cells in {plan.blocks:,} blocks, about "
            f"{duration(plan.seconds / (1 if options.dask else workers))} of work; add --yes if that is meant"
        )


class _Line:
    """Progress on standard error: one line that changes on a terminal, a line now and then elsewhere."""

    def __init__(self, every: float = 10.0) -> None:
        self._terminal = sys.stderr.isatty()
        self._every, self._last, self._width = (0.1 if self._terminal else every), time.monotonic(), 0

    def __enter__(self) -> _Line:
        return self

    def __exit__(self, *error: object) -> None:
        self.clear()

    def show(self, state: Progress) -> None:
        """Show how far the sweep is, if it is time."""
        if time.monotonic() - self._last < self._every:
            return
        self._last = time.monotonic()
        left = f", {duration(state.seconds_left)} left" if state.seconds_left < float("inf") else ""
        text = f"{state.done:,} of {state.total:,} blocks, {state.done / state.total:.0%}{left}"
        if self._terminal:
            print(f"\r{text.ljust(self._width)}", end="", file=sys.stderr, flush=True)
            self._width = len(text)
        else:
            print(text, file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._width:
            print(f"\r{' ' * self._width}\r", end="", file=sys.stderr, flush=True)
            self._width = 0


def _say(what: object, status: int) -> int:
    print(f"error: {what}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
