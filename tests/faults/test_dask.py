"""Sweeps on a Dask cluster of this machine whose workers and scheduler are killed, or that is not there."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from simulations.sweep import digest
from tests.faults.conftest import Record, Start, Whole
from tests.faults.sweeps import PATIENCE, Running, blocks, rows, until

Cluster = Callable[[int], "Dask"]


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


class Dask:
    """A scheduler and workers, each a process of one thread on loopback."""

    def __init__(self, start: Start, folder: Path, workers: int) -> None:
        self.start, self.folder, self.port = start, folder, free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.scheduler = self.schedule()
        self.workers = [self.work() for _ in range(workers)]

    def schedule(self) -> Running:
        """Start a scheduler on the port of this cluster."""
        where = ("--host", "127.0.0.1", "--port", self.port, "--no-dashboard", "--no-show")
        running = self.start("-m", "dask", "scheduler", *where)
        until("a scheduler", self.answers, running, every=0.05)
        return running

    def answers(self) -> bool:
        """Say whether something listens there."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def work(self) -> Running:
        """Start a worker."""
        local = (
            "--nthreads",
            1,
            "--no-nanny",
            "--no-dashboard",
            "--host",
            "127.0.0.1",
            "--local-directory",
            self.folder,
        )
        return self.start("-m", "dask", "worker", self.address, *local)


@pytest.fixture
def cluster(start: Start, tmp_path: Path) -> Cluster:
    """Start a scheduler and so many workers."""
    return lambda workers: Dask(start, tmp_path / "dask", workers)


def test_a_sweep_on_dask_is_the_same(
    cluster: Cluster, sweep: Start, whole: Whole, record: Record, tmp_path: Path
) -> None:
    store = tmp_path / "sweep.db"
    sweep(store, "--dask", cluster(2).address).end()
    assert digest(store) == whole.digest
    record("none", digest(store))


def test_a_killed_worker_of_two(cluster: Cluster, sweep: Start, whole: Whole, record: Record, tmp_path: Path) -> None:
    dask, store = cluster(2), tmp_path / "sweep.db"
    running = sweep(store, "--dask", dask.address)
    until("five blocks", lambda: blocks(store) >= 5, running)
    dask.workers[0].kill()
    kept = blocks(store)
    running.end()
    assert kept < len(whole.rows)
    assert digest(store) == whole.digest
    record(f"{kept} blocks", digest(store))


def test_a_scheduler_killed_and_started_anew(
    cluster: Cluster, sweep: Start, whole: Whole, record: Record, tmp_path: Path
) -> None:
    dask, store = cluster(2), tmp_path / "sweep.db"
    running = sweep(store, "--dask", dask.address)
    until("five blocks", lambda: blocks(store) >= 5, running)
    dask.scheduler.kill()
    kept = rows(store)
    dask.schedule()
    dask.work()  # workers may go with their scheduler
    running.end()
    assert len(kept) < len(whole.rows)
    assert kept.items() <= rows(store).items()
    assert len({run for *_, run in rows(store).values()}) == 1, "another driver"
    assert digest(store) == whole.digest
    record(f"{len(kept)} blocks", digest(store))


def test_a_scheduler_killed_for_good(
    cluster: Cluster, sweep: Start, whole: Whole, record: Record, tmp_path: Path
) -> None:
    dask, store = cluster(1), tmp_path / "sweep.db"
    running = sweep(store, "--dask", dask.address)
    until("five blocks", lambda: blocks(store) >= 5, running)
    dask.scheduler.kill()
    kept = rows(store)
    _, errors = running.end(2)
    assert "no Dask scheduler answers" in errors.splitlines()[-1]
    assert "Traceback" not in errors, errors
    sweep(store, "--workers", 1).end()  # goes on without Dask
    assert kept.items() <= rows(store).items()
    assert digest(store) == whole.digest
    record(f"{len(kept)} blocks", digest(store))


def test_a_cluster_that_is_not_there_is_one_line(cluster: Cluster, sweep: Start, tmp_path: Path) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()  # takes connections and never says a word
        expected = {
            f"tcp://127.0.0.1:{mute.getsockname()[1]}": ("no Dask scheduler answers at", "python -m dask scheduler"),
            f"tcp://127.0.0.1:{free_port()}": ("no Dask scheduler answers at", "python -m dask scheduler"),
            cluster(0).address: ("has no worker", "python -m dask worker"),
        }
        began = time.monotonic()
        all_running = [sweep(tmp_path / f"{at}.db", "--dask", address) for at, address in enumerate(expected)]
        for running, (address, words) in zip(all_running, expected.items(), strict=True):
            out, errors = running.end(2)
            assert time.monotonic() - began < PATIENCE  # 10 s, on a free machine
            assert (out, len(errors.splitlines())) == ("", 1), errors
            assert all(word in errors for word in (address, *words)), errors
