"""Where the time goes: moments inside a block, a transaction of the store, and a block's way over Dask."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import psutil
from threadpoolctl import threadpool_limits

from benchmarks.sweeps.runs import plan_of, timed
from simulations.executors import Crew, ExecutorError, dask
from simulations.sweep import block
from simulations.sweep.driver import open_store
from simulations.sweep.moments import merge


def moments_share(engine: str, rounds: int) -> float:
    """Return the share of a block's time that its moments and histograms take."""
    plan, spent, shares = plan_of(engine), [0.0], []

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            begin = time.perf_counter()
            found = function(*args)
            spent[0] += time.perf_counter() - begin
            return found

        return call

    part = plan.parts[0]
    with threadpool_limits(1), patch.multiple(block, _moments=watched(block._moments), merge=watched(merge)):
        for number in range(rounds):
            spent[0], begin = 0.0, time.perf_counter()
            block.run_block(part.cell, number, part.draws, 0, part.quantities)
            shares.append(spent[0] / (time.perf_counter() - begin))
    return median(shares)


def transactions(count: int) -> dict[str, float]:
    """Store blocks, one synchronised transaction each; return the seconds and the processor seconds of one."""
    plan = plan_of("radial")
    part = plan.parts[0]
    results = block.run_block(part.cell, 0, 1, 0, part.quantities)
    with tempfile.TemporaryDirectory() as folder, open_store(plan.grid, Path(folder) / "sweep.db", False) as store:
        store.add(part.cell.key, 0, 1, results)
        begin, cpu = time.perf_counter(), time.process_time()
        for number in range(1, count + 1):
            store.add(part.cell.key, number, 1, results)
        return {"seconds": (time.perf_counter() - begin) / count, "processor": (time.process_time() - cpu) / count}


@dataclass(frozen=True)
class Cluster:
    """A Dask scheduler and two workers of this machine, each a process of its own."""

    crew: Crew
    scheduler: psutil.Process


@contextlib.contextmanager
def cluster(workers: int = 2) -> Iterator[Cluster]:
    """Start a scheduler and workers as docs/sweeps.md says, and connect."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as running:
        file = Path(folder) / "scheduler.json"

        def start(*arguments: str) -> psutil.Process:
            command = [sys.executable, "-m", "dask", *arguments, "--scheduler-file", str(file), "--no-dashboard"]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            running.callback(process.wait)
            running.callback(process.terminate)
            return psutil.Process(process.pid)

        scheduler = start("scheduler", "--port", "0")
        for _ in range(workers):
            start("worker", "--nthreads", "1", "--no-nanny", "--local-directory", folder)
        crew = running.enter_context(_connected(file, workers))
        timed(plan_of("drawn", 0.01, 20 * workers), crew, stored=False)  # so that none starts up under the watch
        yield Cluster(crew, scheduler)


@contextlib.contextmanager
def _connected(file: Path, workers: int) -> Iterator[Crew]:
    """Connect once all workers are there."""
    for _ in range(100):
        with contextlib.suppress(OSError, ValueError, ExecutorError):
            address = json.loads(file.read_text())["address"]
            with dask(address) as crew:
                there = crew.workers
            if there == workers:
                break
        time.sleep(0.2)
    else:
        raise RuntimeError(f"Dask did not start {workers} workers in time")
    with dask(address) as crew:
        yield crew


def errands(there: Cluster, blocks: int) -> dict[str, float]:
    """Send blocks of one network over Dask into a store: seconds a block, and processor seconds of who handles it."""
    before, own = there.scheduler.cpu_times(), time.process_time()
    timing = timed(plan_of("drawn", 0.0, blocks), there.crew)
    after = there.scheduler.cpu_times()
    scheduler = after.user + after.system - before.user - before.system
    return {
        "seconds": timing.seconds / blocks,
        "driver": (time.process_time() - own) / blocks,
        "scheduler": scheduler / blocks,
        "block": timing.block,
    }
