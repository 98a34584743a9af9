"""Sweeps as processes: start one, see what it has stored, break it, and see that nothing of it stays behind."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simulations.sweep import Grid
from simulations.sweep.options import grid_of, parse

psutil: Any = importlib.import_module("psutil")  # it has no types

ROOT = Path(__file__).parents[2]
ARGUMENTS = (
    *("--depth", "3", "6", "--width", "8", "12", "--draws", "400000"),
    *("--quantities", "second_moment", "gradient", "correlation"),
)
"""A grid of 12 kinds of blocks, radial and drawn, more than a hundred in all."""
PATIENCE = 60.0
"""Seconds for what takes one or two on a free machine."""

Row = tuple[int, bytes, bytes, int]
Rows = dict[tuple[str, str, int], Row]
"""Draws, moments, checksum and run, by cell, quantity and block."""


def grid() -> Grid:
    """Return the grid that `ARGUMENTS` name."""
    found = grid_of(parse(list(ARGUMENTS)))
    assert found is not None
    return found


class Running:
    """A process in a group of its own, with all that it says."""

    def __init__(self, *command: object, limit: Callable[[], None] | None = None) -> None:
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, *map(str, command)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=limit,
        )

    def end(self, status: int = 0) -> tuple[str, str]:
        """Wait for the end, whose exit status must be this one; return what was said."""
        try:
            out, errors = self.process.communicate(timeout=3 * PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            out, errors = self.process.communicate()
            raise AssertionError(f"never ended: {out}{errors}") from None
        assert self.process.returncode == status, f"exit status {self.process.returncode}: {out}{errors}"
        return out, errors

    def kill(self) -> None:
        """Kill -9, the process alone, which must still run."""
        assert self.process.poll() is None, f"ended before it could be killed: {self.process.communicate()}"
        self.process.kill()
        self.end(-signal.SIGKILL)

    def group(self) -> list[Any]:
        """Return the processes that it started, and itself while it runs; those that only wait to be reaped not."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                if os.getpgid(process.pid) == self.process.pid and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def clear(self) -> None:
        """Kill the whole group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        with self.process:  # closes what it said to
            pass

    def gone(self) -> bool:
        """Say whether nothing that it started runs any more."""
        return not self.group()


def until(what: str, true: Callable[[], object], running: Running | None = None, every: float = 0.005) -> None:
    """Wait until something is true, while a process runs."""
    start = time.monotonic()
    while not true():
        if running is not None:
            assert running.process.poll() is None, f"ended before {what}: {running.process.communicate()}"
        assert time.monotonic() - start < PATIENCE, f"waited in vain: {what}"
        time.sleep(every)


def rows(store: Path) -> Rows:
    """Return all that a store has, by SQLite alone; nothing if there are no tables yet."""
    found = _asked(store, "cell, quantity, block, draws, moments, checksum, run")
    return {(cell, quantity, block): row for cell, quantity, block, *row in map(tuple, found)}  # type: ignore[misc]


def blocks(store: Path) -> int:
    """Return how many blocks a store has: one quantity is read from each."""
    return sum(number for (number,) in _asked(store, "count(*)"))


def _asked(store: Path, what: str) -> list[Any]:
    if not store.exists():
        return []
    with contextlib.closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", timeout=PATIENCE, uri=True)) as connection:
        if not connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'blocks'").fetchone()[0]:
            return []
        return connection.execute(f"SELECT {what} FROM blocks").fetchall()


def content(found: Rows) -> dict[tuple[str, str, int], tuple[int, bytes, bytes]]:
    """Return rows without the run that made them."""
    return {key: (draws, moments, checksum) for key, (draws, moments, checksum, _) in found.items()}
