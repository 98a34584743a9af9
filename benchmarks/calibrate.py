"""Calibrate the claims: run all of them on many seeds, and compare what happened with what was promised.

A true claim must be held every time, its p-values must satisfy P(p <= t) <= t, and every mutant must be refuted. The
frequencies are tested by exact binomial tails, at all levels and claims together with a false alarm of 1e-3 at most.

Exit status: 0 if all is as promised, 1 if not.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from functools import partial

from scipy import stats
from threadpoolctl import threadpool_limits

from claims.catalogue import REGISTRY
from claims.examine import Result, examine
from simulations import digits
from simulations.command_line import Parser, run, whole
from simulations.executors import cores

LEVELS = (0.5, 0.2, 0.1, 0.05)
ALARM = 1e-3
"""Probability that any frequency is called off though all p-values are valid."""


@dataclass
class Tally:
    """What one claim did over the seeds."""

    verdicts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    p_values: list[float] = field(default_factory=list)
    surviving: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, result: Result) -> None:
        """Count one run."""
        self.verdicts[result.finding.verdict] += 1
        if result.finding.p_value is not None:
            self.p_values.append(result.finding.p_value)
        for name, finding in result.mutants:
            if finding.verdict != "refuted":
                self.surviving[name] += 1

    def faults(self, claims: int) -> list[str]:
        """Say in words what is off, where `claims` are judged together."""
        found = [f"{count} x {verdict}" for verdict, count in self.verdicts.items() if verdict != "held"]
        for level in LEVELS:
            hits, runs = sum(p <= level for p in self.p_values), len(self.p_values)
            if runs and stats.binom.sf(hits - 1, runs, level) < ALARM / (claims * len(LEVELS)):
                found.append(f"p <= {level} in {hits} of {runs}")
        return found + [f"mutant {name!r} survived {count} x" for name, count in self.surviving.items()]


def one_run(claim_id: str, seed: int, mutants: bool) -> Result:
    """Examine a claim on the inputs and streams of `seed`, at quick effort."""
    if not mutants:
        REGISTRY[claim_id] = replace(REGISTRY[claim_id], mutants=())  # in this worker process only
    return examine(claim_id, digits(seed), seed, "quick")


def calibrate(seeds: int, workers: int, mutants: bool) -> dict[str, Tally]:
    """Run every claim on seeds 1 to `seeds`, with progress on stderr if that is a terminal."""
    tallies = {claim_id: Tally() for claim_id in REGISTRY}
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=threadpool_limits, initargs=(1,)) as pool:
        jobs = [pool.submit(one_run, claim_id, seed + 1, mutants) for seed in range(seeds) for claim_id in REGISTRY]
        for count, job in enumerate(as_completed(jobs), start=1):
            result = job.result()
            tallies[result.claim_id].add(result)
            if sys.stderr.isatty():
                print(f"\r{count} of {len(jobs)} runs", end="\n" * (count == len(jobs)), file=sys.stderr, flush=True)
    return tallies


def show(tallies: dict[str, Tally]) -> bool:
    """Print a line a claim and say whether all is as promised."""
    shares = "".join(f"{f'p<={level}':>8}" for level in LEVELS)
    print(f"{'claim':56}{'held':>6}{'refuted':>9}{'least p':>10}{shares}  faults")
    sound = True
    for claim_id, tally in tallies.items():
        p_values, faults = tally.p_values, tally.faults(len(tallies))
        least = f"{min(p_values):.1e}" if p_values else "-"
        shares = "".join(
            f"{sum(p <= level for p in p_values) / len(p_values):>8.2f}" if p_values else f"{'-':>8}"
            for level in LEVELS
        )
        held, refuted = tally.verdicts["held"], tally.verdicts["refuted"]
        print(f"{claim_id:56}{held:>6}{refuted:>9}{least:>10}{shares}  {'; '.join(faults)}".rstrip())
        sound = sound and not faults
    print("as promised" if sound else "NOT as promised: see the last column")
    return sound


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    return run(partial(_main, arguments), "python -m benchmarks.calibrate")


def _main(arguments: list[str] | None) -> int:
    parser = Parser("python -m benchmarks.calibrate", (__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=whole(1), default=100, metavar="N", help="how many seeds (default 100)")
    parser.add_argument(
        "--workers", type=whole(1), default=cores(), metavar="N", help="processes (default: one a core)"
    )
    parser.add_argument("--no-mutants", action="store_true", help="leave the mutants out, which is faster")
    options = parser.parse(arguments)
    return 0 if show(calibrate(options.seeds, options.workers, not options.no_mutants)) else 1


if __name__ == "__main__":
    sys.exit(main())
