"""Measure sweeps: ``python -m benchmarks.sweeps``; needs the extras ``sweep`` and ``dask``.

Writes benchmarks/results/sweeps.json and its part of docs/sweeps.md; with ``--quick`` nothing is written. Networks have
10 layers of width 64. One worker, two and Dask take turns within each round; ratios are within a round, the median over
rounds counts, and the spread beside it is the whole range.
"""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.speed.table import machine
from benchmarks.sweeps import memory, shares, table
from benchmarks.sweeps.runs import ENGINES, Timing, alternating, plan_of
from docs import parts
from simulations.command_line import Parser, run, whole
from simulations.executors import Crew, processes, threads
from simulations.files import write
from simulations.sweep.block import SECONDS_A_BLOCK

RESULTS = Path(__file__).resolve().parents[1] / "results" / "sweeps.json"
SHORT = (0.02, 0.1)
"""Seconds of blocks shorter than a sweep's, for the speed-up: just above 10 ms, and in between."""


def throughput(results: dict[str, Any], rounds: int, quick: bool) -> None:
    """Add rates, speed-ups and overheads, and what Dask takes for a block."""
    results["throughput"], results["speed-up"] = {}, []
    with shares.cluster() as there, threads(1) as one, processes(2) as two:
        crews = {"1 worker": one, "2 workers": two, "Dask": there.crew}
        alternating(plan_of("radial", 0.001), crews, 1)  # imports, first pages of memory
        for engine in ENGINES:
            _engine(results, engine, crews, rounds, quick)
            _progress(f"{engine}: {json.dumps(results['throughput'][engine])}")
        found = [shares.errands(there, 20 if quick else 400) for _ in range(rounds)]
    results["dask"] = {key: median(one[key] for one in found) for key in found[0]}
    _progress(f"Dask: {json.dumps(results['dask'])}")


def store(results: dict[str, Any], rounds: int, quick: bool) -> None:
    """Add what a transaction takes."""
    found = [shares.transactions(20 if quick else 200) for _ in range(rounds)]
    results["store"] = {key: median(one[key] for one in found) for key in found[0]}
    _progress(f"store: {json.dumps(results['store'])}")


def large(results: dict[str, Any], rounds: int, quick: bool) -> None:
    """Add the large sweeps, once each."""
    results["large"] = []
    for one in memory.LARGE:
        size = one.networks // 100 if quick else one.networks
        results["large"].append({"name": one.name} | memory.sampled(memory.Large(one.name, size, one.options)))
        _progress(str(results["large"][-1]))


PARTS = {"large": large, "store": store, "throughput": throughput}


def measured(results: dict[str, Any], chosen: list[str], rounds: int, quick: bool) -> dict[str, Any]:
    """Measure these parts anew, and note the load of the machine before the first."""
    results = {"loads": {}} | results | {"machine": machine(), "quick": quick}
    load = os.getloadavg()[0]  # that of a later part would be ours
    for part in chosen:
        results["loads"][part] = load
        PARTS[part](results, rounds, quick)
    return results


def _engine(results: dict[str, Any], engine: str, crews: dict[str, Crew], rounds: int, quick: bool) -> None:
    """Add what an engine does in blocks of a sweep, and in shorter ones."""
    plan = plan_of(engine, 0.05 if quick else None)
    timings = alternating(plan, crews, rounds)
    results["throughput"][engine] = {"draws": plan.parts[0].draws, "moments": shares.moments_share(engine, rounds)} | {
        name: {"rate": median(one.rate for one in found), "block": median(one.block for one in found)}
        for name, found in timings.items()
    }
    local = {name: crews[name] for name in ("1 worker", "2 workers")}
    results["speed-up"].append(_compared(engine, timings))
    for seconds in SHORT:
        short = plan_of(engine, seconds, 6 if quick else 2 * round(2 * SECONDS_A_BLOCK / seconds))
        results["speed-up"].append(_compared(engine, alternating(short, local, rounds)))


def _compared(engine: str, timings: dict[str, list[Timing]]) -> dict[str, Any]:
    one, two = timings["1 worker"], timings["2 workers"]
    speed_ups = [b.rate / a.rate for a, b in zip(one, two, strict=True)]
    return {
        "engine": engine,
        "block": median(timing.block for timing in one),
        "speed-up": _spread(speed_ups),
        "overhead": _spread([timing.overhead for timing in one]),
        "overhead, 2 workers": _spread([timing.overhead for timing in two]),
        "block, 2 workers": median(timing.block for timing in two),
    }


def _spread(values: list[float]) -> list[float]:
    return [median(values), min(values), max(values)]


def _progress(line: str) -> None:
    if sys.stderr.isatty():
        print(line, file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the part of docs/sweeps.md, and write it and the numbers."""
    return run(partial(_main, arguments), "python -m benchmarks.sweeps")


def _main(arguments: list[str] | None) -> int:
    parser = Parser("python -m benchmarks.sweeps", (__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=whole(1), default=7)
    parser.add_argument("--only", choices=PARTS, help="measure this part anew and keep what is there of the others")
    parser.add_argument("--quick", action="store_true", help="small sizes, two rounds, nothing written")
    options = parser.parse(arguments)
    known = json.loads(RESULTS.read_text()) if options.only and RESULTS.exists() and not options.quick else {}
    chosen = [options.only] if options.only else list(PARTS)
    results = measured(known, chosen, 2 if options.quick else options.rounds, options.quick)
    if not options.quick:
        write(RESULTS, json.dumps(results, indent=1) + "\n")
    if missing := sorted(PARTS.keys() - results.keys()):
        print(f"not measured yet: {', '.join(missing)}")
        return 0
    part = table.text(results)
    print(part)
    if not options.quick:
        parts.write("sweeps", part)
    return 0


if __name__ == "__main__":
    sys.exit(main())
