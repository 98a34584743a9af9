"""How time and memory of the undrawn engine grow with width n, layers L, batch B and draws: exponents fitted to runs.

Every size is measured in a process of its own, on one core. Time is the fastest of three runs after a first one; memory
is the process's peak over what it held before the first run (VmHWM, which starts anew with each program, unlike
getrusage's maximum). An exponent is the least-squares slope of logarithms. Memory cannot grow with draws, of which a
few are held at a time.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed.fathom import draw_and_measure, prepare
from benchmarks.speed.work import Work

STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Growth:
    """One axis: sizes of it, with all else at the given work and draws, and the largest exponents allowed."""

    name: str
    axis: str
    work: Work
    draws: int
    sizes: tuple[int, ...]
    time: float
    memory: float
    title: str = "growth of undrawn time and memory"

    def run(self, quick: bool) -> dict[str, Any]:
        """Measure every size, fit, and judge (a smoke run judges nothing)."""
        sizes = [size // 4 for size in self.sizes[:2]] if quick else list(self.sizes)
        points = [_alone(*self._at(size)) for size in sizes]
        exponents: dict[str, float | None] = {
            "time": _fitted(sizes, [seconds for seconds, _ in points]),
            "memory": _fitted(sizes, [peak for _, peak in points]) if all(peak for _, peak in points) else None,
        }
        return {
            "title": self.title,
            "axis": self.axis,
            "sizes": sizes,
            "seconds": [seconds for seconds, _ in points],
            "peak bytes": [peak for _, peak in points],
            "exponents": [
                {
                    "of": kind,
                    "exponent": exponent,
                    "at most": most,
                    "met": None if quick or exponent is None else exponent <= most,
                }
                for (kind, exponent), most in zip(exponents.items(), (self.time, self.memory), strict=True)
            ],
        }

    def _at(self, size: int) -> tuple[Work, int]:
        changed: dict[str, Any] = {self.axis: size}
        return (self.work, size) if self.axis == "draws" else (replace(self.work, **changed), self.draws)


def _alone(work: Work, draws: int) -> tuple[float, int | None]:
    """Measure in a new process."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=prepare, initargs=(1,)) as alone:
        return alone.submit(_measured, work, draws).result()


def _measured(work: Work, draws: int) -> tuple[float, int | None]:
    """Return seconds a run and peak bytes; no bytes where the system does not tell."""
    draw_and_measure(Work(8, 2, 1, work.precision), "undrawn", (), 2, seed=0)  # imports and the like
    before = _status("VmRSS")
    draw_and_measure(work, "undrawn", (), draws, seed=0)
    after, seconds = _status("VmHWM"), []
    for repetition in range(3):
        start = time.perf_counter()
        draw_and_measure(work, "undrawn", (), draws, seed=repetition)
        seconds.append(time.perf_counter() - start)
    return min(seconds), None if before is None or after is None else after - before


def _status(field: str) -> int | None:
    """Read bytes from what Linux says of this process."""
    if not STATUS.exists():
        return None
    lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return int(lines[field].split()[0]) * 1024


def _fitted(sizes: list[int], values: list[Any]) -> float:
    slope, _ = np.polyfit(np.log(sizes), np.log(values), 1)
    return float(slope)


GROWTHS = (
    Growth("growth-width", "width", Work(0, 16, 1, "float32"), 2, (1 << 15, 1 << 16, 1 << 17, 1 << 18), 1.15, 1.15),
    Growth("growth-layers", "layers", Work(1 << 15, 0, 1, "float32"), 2, (16, 32, 64, 128), 1.15, 1.15),
    Growth("growth-batch", "batch", Work(1 << 15, 8, 0, "float32"), 2, (4, 8, 16, 32), 2.15, 1.15),
    Growth("growth-draws", "draws", Work(1 << 15, 16, 1, "float32"), 0, (8, 16, 32, 64), 1.15, 0.15),
)
