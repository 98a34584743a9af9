"""The driver or one of its workers is killed or interrupted, or works beside another: the digest is the same."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from simulations.sweep import digest
from tests.faults.conftest import Record, Start, Whole
from tests.faults.sweeps import Running, blocks, content, rows, until

MOMENTS = ("start-up", "start-up", "between blocks", "between blocks", "commit")


def wait_for_moment(moment: str, rng: random.Random, running: Running, store: Path, startup: float) -> None:
    """Wait for a random moment of this kind."""
    if moment == "start-up":
        time.sleep(rng.uniform(0, 1.1 * startup))
    elif moment == "between blocks":
        enough = blocks(store) + rng.randint(1, 30)
        until(f"block {enough}", lambda: blocks(store) >= enough, running)
        time.sleep(rng.uniform(0, 0.1))
    else:  # the log grows as a transaction is written, before it is synchronised
        log = store.with_name(f"{store.name}-wal")
        until("a log", log.exists, running)
        for _ in range(rng.randint(1, 12)):
            before = log.stat().st_size
            until("a commit", lambda before=before: log.stat().st_size > before, running, every=0)  # type: ignore[misc]


@pytest.mark.parametrize(("seed", "workers"), [(0, 1), (1, 2), (2, 1), (3, 2)])
def test_a_driver_killed_five_times_loses_nothing(
    sweep: Start, whole: Whole, record: Record, tmp_path: Path, seed: int, workers: int
) -> None:
    rng = random.Random(seed)
    store = tmp_path / "sweep.db"
    left = []
    for moment in rng.sample(MOMENTS, len(MOMENTS)):
        before = rows(store)
        running = sweep(store, "--workers", workers)
        wait_for_moment(moment, rng, running, store, whole.startup)
        running.kill()
        until("its workers end with the driver", running.gone)
        after = rows(store)
        assert before.items() <= after.items()
        assert content(after).items() <= content(whole.rows).items()
        left.append(f"{moment} {len(after)}")
    assert len(after) < len(whole.rows)
    sweep(store, "--workers", workers).end()
    assert after.items() <= rows(store).items(), "what was stored is computed again"
    assert digest(store) == whole.digest
    record(", ".join(left), digest(store))


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_sweep_goes_on(sweep: Start, whole: Whole, record: Record, tmp_path: Path, workers: int) -> None:
    store = tmp_path / "sweep.db"
    running = sweep(store, "--workers", workers)
    until("ten blocks", lambda: blocks(store) >= 10, running)
    os.killpg(running.process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    out, errors = running.end(130)
    assert out == ""
    assert errors.splitlines()[-1].endswith(f": interrupted; what was done is in {store}, and the same command goes on")
    assert "Traceback" not in errors, errors
    until("its workers end with it", running.gone)
    kept = rows(store)
    assert 10 <= len(kept) < len(whole.rows)
    sweep(store, "--workers", workers).end()
    assert kept.items() <= rows(store).items()
    assert digest(store) == whole.digest
    record(f"{len(kept)} blocks", digest(store))


def test_a_killed_worker_costs_only_its_block(sweep: Start, whole: Whole, record: Record, tmp_path: Path) -> None:
    store = tmp_path / "sweep.db"
    running = sweep(store, "--workers", 2)
    until("five blocks", lambda: blocks(store) >= 5, running)
    first, second = (child for child in running.group() if any("spawn_main" in word for word in child.cmdline()))
    first.kill()
    kept = blocks(store)
    running.end()
    assert kept < len(whole.rows)
    assert not first.is_running()
    assert not second.is_running()
    assert digest(store) == whole.digest
    record(f"{kept} blocks", digest(store))


def test_two_drivers_share_a_store_and_count_nothing_twice(
    sweep: Start, whole: Whole, record: Record, tmp_path: Path
) -> None:
    store = tmp_path / "sweep.db"
    drivers = [sweep(store, "--workers", 1, "--export", tmp_path / f"{name}.csv") for name in "ab"]
    for driver in drivers:
        driver.end()
    found = rows(store)
    assert digest(store) == whole.digest
    assert content(found) == content(whole.rows)
    shares = Counter(run for *_, run in found.values())
    assert min(shares[1], shares[2]) > 0, "one did it all"
    # the count of every quantity is that of its draws, which an uninterrupted sweep has too
    sweep(whole.store, "--workers", 1, "--export", tmp_path / "whole.csv").end()
    assert len({(tmp_path / f"{name}.csv").read_text() for name in ("a", "b", "whole")}) == 1
    record(f"{shares[1]} + {shares[2]} blocks", digest(store))
