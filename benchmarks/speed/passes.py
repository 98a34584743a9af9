"""What a pass over memory takes on active units, beside their random numbers: ``python -m benchmarks.speed.passes``.

Also whether it pays to keep a state x and fresh normals r as two rows of one buffer, so that <x, r> and <r, r>, or
a x + b r, are one product of BLAS (gemv) instead of two or three passes. Time of this process on one core, medians of
alternating rounds; each layer has a vector of its own, as in a measurement, so that few are in the cache.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.speed.work import Array
from simulations import stream
from simulations.numbers.memory import keep_freed_memory
from simulations.numbers.normals import fill_normal

ENTRIES, LAYERS, ROUNDS = 1 << 18, 16, 9
LENGTHS = 512, 8_192, 524_288


def alternately(passes: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return seconds a call, medians over rounds."""
    seconds: dict[str, list[float]] = {name: [] for name in passes}
    for _ in range(ROUNDS):
        for name, call in passes.items():
            start = time.process_time()
            call()
            seconds[name].append(time.process_time() - start)
    return {name: statistics.median(some) for name, some in seconds.items()}


def passes(rng: np.random.Generator) -> dict[str, Callable[[], object]]:
    """Return what a layer of active units does to its vectors, on rows of 512 and all layers at a time."""
    states: Array = rng.standard_normal((LAYERS, ENTRIES // 512, 512), np.float32)
    fresh = states[0].copy()
    return {
        "draw normals": lambda: [fill_normal(rng, one) for one in states],
        "drop signs": lambda: [np.abs(one, out=one) for one in states],
        "add squares": lambda: [np.vecdot(one, one) for one in states],
        "add products with fresh normals": lambda: [np.vecdot(one, fresh) for one in states],
    }


def as_two_rows(rng: np.random.Generator, length: int) -> dict[str, Callable[[], object]]:
    """Return both sums and the combination, each in passes and as one product."""
    rows, (a, b) = rng.standard_normal((2, length), np.float32), np.array([0.3, 0.7], np.float32)
    factors, (x, r), calls = np.array([a, b]), rows, range(max(1, ENTRIES // length))
    return {
        "sums": lambda: [(np.vecdot(x, r), np.vecdot(r, r)) for _ in calls],
        "sums, gemv": lambda: [rows @ r for _ in calls],
        "combination": lambda: [a * x + b * r for _ in calls],
        "combination, gemv": lambda: [factors @ rows for _ in calls],
    }


def main() -> int:
    """Print nanoseconds an entry of each pass, and times without the buffer over times with it."""
    keep_freed_memory()
    rng = stream(0, "passes")
    with threadpool_limits(1):
        for name, seconds in alternately(passes(rng)).items():
            print(f"{name}: {seconds / (ENTRIES * LAYERS) * 1e9:.2f} ns an entry")
        for length in LENGTHS:
            taken = alternately(as_two_rows(rng, length))
            sums, combination = (taken[name] / taken[f"{name}, gemv"] for name in ("sums", "combination"))
            print(f"two rows of {length:,}: passes over gemv {sums:.2f} (sums), {combination:.2f} (combination)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
