"""Five steps of SGD on 40 matrices of width 100,000 that are never drawn: ``python -m benchmarks.training.undrawn``.

Drawn, one such net in float32 would hold 40 * 10^10 weights, 1.6 TB. Prints seconds and the peak of memory.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from simulations import mlp, stream
from simulations.command_line import Parser, writable
from simulations.command_line import run as finish
from simulations.files import write
from simulations.numbers.memory import keep_freed_memory
from simulations.training.sgd import step
from simulations.weights.undrawn import undrawn

MATRICES, WIDTH, BATCH, STEPS, CLASSES = 40, 100_000, 4, 5, 10
RATE = 1e-7
"""About 1 / WIDTH^1.4: at this width larger steps diverge (standard parametrisation)."""
MOST_SECONDS, MOST_GIGABYTES = 15.0, 2.0


def run() -> dict[str, float | list[float]]:
    """Take the steps and return what they took, with the mean loss before each."""
    keep_freed_memory()
    network, rng = mlp([WIDTH] * MATRICES, classes=CLASSES), stream(0, "undrawn training")
    targets = np.eye(CLASSES)[None, :BATCH]
    start, losses = time.perf_counter(), []
    parameters = network.draw(rng, 1, undrawn(np.float32))
    for _ in range(STEPS):
        x: Any = rng.standard_normal((1, BATCH, WIDTH), np.float32)
        taken = step(network, parameters, x, targets, RATE)
        losses.append(float(taken.loss.loss.mean()))
        parameters = taken.parameters
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform != "darwin" else 1 << 30)
    return {"seconds": seconds, "peak_gigabytes": peak, "losses": losses}


def main() -> int:
    """Run, print and perhaps write the result."""
    return finish(_main, "python -m benchmarks.training.undrawn")


def _main() -> int:
    parser = Parser("python -m benchmarks.training.undrawn", (__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=writable, metavar="FILE", help="also write the numbers")
    options = parser.parse()
    with threadpool_limits(1):
        found = run()
    if options.json:
        write(options.json, json.dumps(found, indent=1) + "\n")
    print(
        f"{STEPS} steps of {MATRICES} matrices of width {WIDTH:,}, batch {BATCH}: {found['seconds']:.1f} s "
        f"(target {MOST_SECONDS:g}), {found['peak_gigabytes']:.2f} GB (target {MOST_GIGABYTES:g})"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
