"""What an audit costs over the plain loop: python -m benchmarks.audit.overhead [--seeds 50] [--json FILE].

torchvision's resnet18 on a batch of 32 images of 64 pixels. The plain loop builds a model under every seed and runs it
forwards and backwards; an audit does so too, traces the model once, and says what follows. The two take turns, all
seeds at a time, each on one thread; time is the processor's. Peaks of memory are measured in processes of their own.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from audit import audit
from simulations.command_line import Parser, run, whole
from simulations.files import write
from tests.torchvision_without_operators import torchvision_models

RESULTS = Path(__file__).parents[1] / "results" / "audit_overhead.json"
STATUS = Path("/proc/self/status")
ROUNDS, TARGET = 2, 0.25
INPUTS = np.random.default_rng(0).standard_normal((32, 3, 64, 64))


def plain(seeds: range) -> None:
    """Build, run forwards and run backwards from random signs."""
    make, x = torchvision_models().resnet18, torch.as_tensor(INPUTS, dtype=torch.float32)
    for seed in seeds:
        torch.manual_seed(seed)
        output = make().eval()(x.clone().requires_grad_())
        output.backward(torch.randint(0, 2, output.shape).to(output.dtype) * 2 - 1)


def whole_audit(seeds: range) -> None:
    """Audit."""
    audit(torchvision_models().resnet18, INPUTS, seeds=len(seeds))


WORKS = {"plain": plain, "audit": whole_audit}


def seconds(name: str, seeds: range) -> float:
    """Return the processor's time of a work."""
    start = time.process_time()
    WORKS[name](seeds)
    return time.process_time() - start


def peak(name: str, seeds: int) -> int:
    """Return the peak of a process's memory, in bytes, that does one work, alone.

    It is VmHWM, which starts anew with each program, unlike getrusage's maximum.
    """
    torch.set_num_threads(1)
    WORKS[name](range(seeds))
    line = next(one for one in STATUS.read_text().splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def measured(seeds: int) -> dict[str, Any]:
    """Race the two."""
    torch.set_num_threads(1)
    turns: dict[str, list[float]] = {name: [] for name in WORKS}
    for _ in range(ROUNDS):
        for name, spent in turns.items():
            spent.append(seconds(name, range(seeds)))
    ratios = [after / before for before, after in zip(turns["plain"], turns["audit"], strict=True)]
    peaks = {}
    for name in WORKS:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            peaks[name] = alone.submit(peak, name, seeds).result()
    overhead = statistics.median(ratios) - 1
    return {
        "seeds": seeds,
        "seconds": {name: statistics.median(spent) for name, spent in turns.items()},
        "overhead": overhead,
        "spread": [min(ratios) - 1, max(ratios) - 1],
        "at most": TARGET,
        "met": overhead <= TARGET,
        "peak bytes": peaks,
    }


def told(found: dict[str, Any]) -> str:
    """Return the result in words."""
    spent, peaks = found["seconds"], found["peak bytes"]
    low, high = found["spread"]
    return (
        f"{found['seeds']} seeds: plain {spent['plain']:.1f} s, audit {spent['audit']:.1f} s of processor time; "
        f"overhead {found['overhead']:.0%} ({low:.0%} to {high:.0%}), "
        f"at most {TARGET:.0%} asked: {'met' if found['met'] else 'missed'}; peaks {peaks['plain'] / 2**20:.0f} and "
        f"{peaks['audit'] / 2**20:.0f} MiB"
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    return run(partial(_main, arguments), "python -m benchmarks.audit.overhead")


def _main(arguments: list[str] | None) -> int:
    parser = Parser("python -m benchmarks.audit.overhead", (__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=whole(3), default=50, metavar="N", help="models of each (default: 50)")
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE")
    options = parser.parse(arguments)
    found = measured(options.seeds)
    write(options.json, json.dumps(found, indent=1) + "\n")
    print(told(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
