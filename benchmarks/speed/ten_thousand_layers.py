"""10,000 ReLU layers of width 100,000, forwards and back: ``python -m benchmarks.speed.ten_thousand_layers``.

Drawn in float32, the weights would take 400 TB.
"""

from __future__ import annotations

import resource
import sys
import time
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from simulations import mlp, stream
from simulations.deep import deep_run
from simulations.weights.undrawn import undrawn

LAYERS, WIDTH = 10_000, 100_000


def main() -> int:
    """Run it once and print what it took, with log2 of the squared norms at both ends."""
    start, rng = time.perf_counter(), stream(0, "deep")
    x: Any = rng.standard_normal((1, 1, WIDTH), np.float32)
    cotangent: Any = rng.standard_normal((1, 1, WIDTH), np.float32)
    with threadpool_limits(1):
        record = deep_run(
            mlp([WIDTH] * (LAYERS + 1)),
            x,
            streams=lambda segment: stream(0, "deep", segment),
            kind=undrawn(np.float32),
            cotangent=cotangent,
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform != "darwin" else 1 << 30)
    ends = [float(one[0, 0, place]) for one in (record.states, record.cotangents) for place in (0, -1)]
    print(
        f"{LAYERS:,} layers of width {WIDTH:,}: {time.perf_counter() - start:.1f} s, {peak:.2f} GB (target 1); log2 of "
        f"squared norms: states {ends[0]:.2f} to {ends[1]:.2f}, cotangents {ends[3]:.2f} back to {ends[2]:.2f}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
