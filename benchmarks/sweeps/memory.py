"""The two large sweeps, each one command, with the resident memory of all their processes sampled."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

EVERY = 0.05
"""Seconds between two looks."""


@dataclass(frozen=True)
class Large:
    """A large sweep as options of the command line."""

    name: str
    networks: int
    options: tuple[str, ...]


LARGE = (
    Large("radial", 10**8, ("--depth", "10", "--width", "64")),
    Large("undrawn", 10**6, ("--depth", "10", "--width", "64", "--engine", "undrawn")),
)


def sampled(large: Large, workers: int = 2) -> dict[str, Any]:
    """Run one sweep as its own command and return its time, its digest and its memory, in MB.

    Resident memory counts pages that processes share (libraries) once for each, so the sum is too large if anything.

    Raises
    ------
    RuntimeError
        If the sweep fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        store = ("--store", str(Path(folder) / "sweep.db"), "--digest")
        command = [sys.executable, "-m", "simulations.sweep", *large.options, "--draws", str(large.networks)]
        begin = time.perf_counter()
        process = subprocess.Popen(
            [*command, "--workers", str(workers), *store], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        looks = []
        while process.poll() is None:
            looks.append(resident(psutil.Process(process.pid)))
            time.sleep(EVERY)
        seconds = time.perf_counter() - begin
        out, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(f"the sweep of {large.networks:,} {large.name} networks failed: {errors.strip()}")
    sums = [sum(look) / 1e6 for look in looks]
    fifth = max(1, len(looks) // 5)
    return {
        "networks": large.networks,
        "options": " ".join(large.options),
        "seconds": seconds,
        "processes": max(len(look) for look in looks),
        "sum": max(sums),
        "largest": max(max(look, default=0) for look in looks) / 1e6,
        "sum by fifths": [max(sums[i * fifth : (i + 1) * fifth], default=sums[-1]) for i in range(5)],
        "digest": out.split()[-1],
    }


def resident(process: psutil.Process) -> list[int]:
    """Return the resident memory in bytes of a process and all that it started."""
    found = []
    try:
        for one in (process, *process.children(recursive=True)):
            found.append(one.memory_info().rss)
    except (psutil.NoSuchProcess, psutil.ZombieProcess):  # it ended while we looked
        pass
    return found
