"""One worker or two, threads, processes, blocks in any order: the store is the same to the bit."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from simulations.sweep import Store, block, digest, sweep
from simulations.sweep.plan import Plan
from tests.faults.conftest import Record, Start, Whole
from tests.faults.short import SECONDS
from tests.faults.sweeps import grid


@pytest.mark.parametrize("workers", [1, 2])
def test_any_number_of_workers(sweep: Start, whole: Whole, record: Record, tmp_path: Path, workers: int) -> None:
    sweep(tmp_path / "sweep.db", "--workers", workers).end()
    assert digest(tmp_path / "sweep.db") == whole.digest
    record("processes" if workers > 1 else "a thread", digest(tmp_path / "sweep.db"))


def test_threads_and_any_order(whole: Whole, record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Plan.missing

    def shuffled(plan: Plan, store: Store) -> Iterator[int]:
        numbers = list(plain(plan, store))
        random.Random(0).shuffle(numbers)
        yield from numbers

    monkeypatch.setattr(Plan, "missing", shuffled)
    monkeypatch.setattr(block, "SECONDS_A_BLOCK", SECONDS)
    with ThreadPoolExecutor(2) as pool:
        sweep(grid(), tmp_path / "sweep.db", pool, workers=2)
    assert digest(tmp_path / "sweep.db") == whole.digest
    record("2 threads, shuffled", digest(tmp_path / "sweep.db"))
