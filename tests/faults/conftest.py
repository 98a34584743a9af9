"""What every test of faults compares with, an uninterrupted sweep, and how sweeps start and leave nothing behind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulations.sweep import digest
from tests.faults.sweeps import ARGUMENTS, Rows, Running, blocks, rows, until

Start = Callable[..., Running]
Record = Callable[[object, str], None]


@dataclass(frozen=True)
class Whole:
    """An uninterrupted sweep."""

    store: Path
    digest: str
    rows: Rows
    startup: float
    """Seconds until its first block was stored."""


@pytest.fixture
def start() -> Iterator[Start]:
    """Start Python with arguments, and kill it with all that it started when the test ends, however it ends."""
    started: list[Running] = []

    def begin(*command: object, limit: Callable[[], None] | None = None) -> Running:
        started.append(Running(*command, limit=limit))
        return started[-1]

    yield begin
    for running in started:
        running.clear()


@pytest.fixture
def sweep(start: Start) -> Start:
    """Start the sweep of all tests, with a store and more options."""
    return lambda store, *more, limit=None: start(
        "-m", "tests.faults.short", *ARGUMENTS, "--store", store, *more, limit=limit
    )


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Run the sweep to its end on one worker."""
    store = tmp_path_factory.mktemp("whole") / "sweep.db"
    began = time.monotonic()
    running = Running("-m", "tests.faults.short", *ARGUMENTS, "--store", store, "--workers", "1", "--digest")
    try:
        until("the first block", lambda: blocks(store), running)
        startup = time.monotonic() - began
        out, _ = running.end()
    finally:
        running.clear()
    found = Whole(store, digest(store), rows(store), startup)
    assert out.splitlines()[-1] == found.digest
    assert len(found.rows) > 100
    return found


@pytest.fixture
def record(whole: Whole, request: pytest.FixtureRequest) -> Record:
    """Note what a fault left and what came of it in the end, if ``FAULTS_TABLE`` names a file for that."""

    def note(fault: object, after: str) -> None:
        if path := os.environ.get("FAULTS_TABLE"):
            with Path(path).open("a") as file:
                file.write(f"{request.node.name} | {fault} | {whole.digest[:16]} | {after[:16]}\n")

    return note
