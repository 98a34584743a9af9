"""Compare how Transformers start, by translating: ``python -m benchmarks.translate``; goes on where it was stopped.

First come the largest stable rates of SGD against depth, then what is learnt with SGD and with Adam at the best of five
rates (100 layers a side: at the best of 24, or lower), then what dropout does for few pairs; seeds one after the other.
All of it takes hours; ``--minutes`` begins no more runs after that time.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.translate import dropout, quality, stable, table
from benchmarks.translate.store import Store, TimeIsUpError
from docs import parts
from simulations.command_line import Parser, whole
from simulations.transformer.recipes import RECIPES

RESULTS = Path(__file__).resolve().parents[1] / "results" / "translate.json"


def main(arguments: list[str] | None = None) -> int:
    """Run what was not run yet, and write the tables."""
    parser = Parser("python -m benchmarks.translate", (__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--part", choices=("stable", "quality", "dropout"), help="one of the three")
    add(
        "--recipes", nargs="+", choices=tuple(RECIPES), default=list(RECIPES), metavar="RECIPE", help="; ".join(RECIPES)
    )
    add(
        "--layers", nargs="+", type=int, choices=quality.LAYERS, default=list(quality.LAYERS), help="of quality, a side"
    )
    add("--optimisers", nargs="+", choices=tuple(quality.RATES), default=list(quality.RATES), help="of quality")
    add("--seeds", type=whole(1, table.SEEDS), default=table.SEEDS)
    add("--minutes", type=float, default=float("inf"), help="begin no more runs after this time")
    add("--json", type=Path, default=RESULTS, metavar="FILE")
    options = parser.parse(arguments)
    ends = time.monotonic() + 60 * options.minutes
    work: list[Callable[[], object]] = []
    if options.part in (None, "stable"):
        rates = Store(options.json, "stable", stable.measure, ends)
        work += [partial(stable.rates, rates, name, seed) for seed in range(options.seeds) for name in options.recipes]
    if options.part in (None, "quality"):
        learnt = Store(options.json, "quality", quality.measure, ends)
        work += [
            partial(quality.best, learnt, name, layers, optimiser, seeds)
            for seeds in range(1, options.seeds + 1)
            for layers in options.layers
            for name in options.recipes
            for optimiser in options.optimisers
        ]
    if options.part in (None, "dropout"):
        few = Store(options.json, "dropout", dropout.measure, ends, dropout.PAIRS)
        work += [
            partial(dropout.outcome, few, name, share, seed)
            for seed in range(options.seeds)
            for name in dropout.RECIPES
            for share in dropout.SHARES
        ]
    done = 0
    with contextlib.suppress(TimeIsUpError):
        for search in work:
            search()
            done += 1
    if options.json == RESULTS:
        parts.write("translate", table.text(RESULTS))
    print(f"{done} of {len(work)} searches are whole" + ("" if done == len(work) else "; the same command goes on"))
    print(table.text(options.json))
    return 0


if __name__ == "__main__":
    sys.exit(main())
