"""Test accuracy after one epoch against depth, Fixup and its rivals (Zhang, Dauphin & Ma 2019, figure 3), on digits.

Every way to start, depth and momentum has its own learning rate: the best of the grid by the accuracy of seed 0 on
validation data (a run that diverges counts as 0). Test accuracy is then measured for every seed at that rate.

    python -m benchmarks.training.depth [--depths 10,100,1000] [--seeds 3] [--json FILE]

Without ``--depths``, ``--seeds`` and ``--json`` the table goes into docs/training.md.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported, here and in the workers

from docs import parts
from simulations.command_line import Parser, numbers, run, whole, writable
from simulations.data.splits import digits_split
from simulations.executors import cores
from simulations.files import write
from simulations.networks.rivals import build
from simulations.training.optimiser import Descent
from simulations.training.run import blocks_of, start, train
from simulations.training.trainer import Plan, Trainer

RATES = (0.003, 0.01, 0.03, 0.1, 0.3)
MOMENTA = (0.0, 0.9)
DEPTHS = (10, 100, 1000, 10_000)
WIDTH, BATCH, BRANCH = 32, 64, 2
SEEDS = 3
RESULTS = Path(__file__).resolve().parents[1] / "results" / "depth.json"
CONTENDERS: dict[str, tuple[str, float]] = {
    "Fixup, scalars at 1/10 of the rate": ("fixup", 0.1),
    "Fixup, scalars at 1/1000": ("fixup", 0.001),
    "BatchNorm after each layer": ("batch_norm", 0.1),
    "BatchNorm before each layer": ("batch_norm_pre", 0.1),
    "LSUV": ("lsuv", 0.1),
    "sqrt(1/2)": ("sqrt_half", 0.1),
    "standard (He)": ("he", 0.1),
}
"""The rival's name and the factor on the rate of scalars."""


@dataclass(frozen=True)
class Cell:
    """One training run."""

    contender: str
    layers: int
    momentum: float
    rate: float
    seed: int
    on: str = "validation"


def accuracy(cell: Cell) -> float | None:
    """Train one epoch and return the accuracy, or None if the run diverged."""
    init, factor = CONTENDERS[cell.contender]
    data, plan = digits_split().flattened(), Plan(BATCH, 1, cell.seed)
    network = build(
        init,
        width=WIDTH,
        blocks=blocks_of(cell.layers, BRANCH),
        layers_per_branch=BRANCH,
        features=data.training.x.shape[1],
        classes=data.classes,
    )
    descent = Descent(cell.rate, cell.momentum, 0.0, factor)
    return train(Trainer(network, start(init, network, data, plan), data, descent, plan), on=cell.on).accuracy


def run_all(cells: list[Cell], workers: int, doing: str) -> dict[Cell, float | None]:
    """Run cells on processes, the deepest first, with progress on standard error."""
    found: dict[Cell, float | None] = {}
    context, began = multiprocessing.get_context("spawn"), time.perf_counter()
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = {pool.submit(accuracy, cell): cell for cell in sorted(cells, key=lambda cell: -cell.layers)}
        for done in as_completed(futures):
            found[futures[done]] = done.result()
            if sys.stderr.isatty():
                seconds = time.perf_counter() - began
                print(f"\r{doing}: {len(found)} of {len(cells)}, {seconds:.0f} s", end="", file=sys.stderr)
    return found


def experiment(depths: list[int], seeds: int, workers: int) -> list[dict[str, Any]]:
    """Choose rates on validation data and measure test accuracy; return a row for each line of the table."""
    groups = [(name, layers, momentum) for name in CONTENDERS for layers in depths for momentum in MOMENTA]
    tried = run_all([Cell(*group, rate, 0) for group in groups for rate in RATES], workers, "rates")
    best = {group: max(RATES, key=lambda rate: tried[Cell(*group, rate, 0)] or 0) for group in groups}
    tested = run_all([Cell(*g, best[g], seed, "test") for g in groups for seed in range(seeds)], workers, "tests")
    rows = []
    for name, layers, momentum in groups:
        rate = best[name, layers, momentum]
        cells = [Cell(name, layers, momentum, rate, seed, "test") for seed in range(seeds)]
        alive = [rate for rate in RATES if tried[Cell(name, layers, momentum, rate, 0)] is not None]
        rows.append(asdict(cells[0]) | {"accuracies": [tested[cell] for cell in cells], "rates that end": alive})
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Return the part `depth` of docs/training.md: mean accuracy, spread over seeds, and the chosen rate."""
    depths = sorted({row["layers"] for row in rows})
    lines = [
        f"| start | momentum | {' | '.join(f'{depth:,} layers' for depth in depths)} |",
        "|---" * (2 + len(depths)) + "|",
    ]
    for name in CONTENDERS:
        for momentum in MOMENTA:
            cells = [row for row in rows if (row["contender"], row["momentum"]) == (name, momentum)]
            lines.append(
                f"| {name} | {momentum:g} | {' | '.join(map(_cell, sorted(cells, key=lambda row: row['layers'])))} |"
            )
    return "\n".join(lines)


def _cell(row: dict[str, Any]) -> str:
    found = [one for one in row["accuracies"] if one is not None]
    if not found:
        return "diverges"
    text = f"{statistics.mean(found):.2f} ({min(found):.2f} to {max(found):.2f}), {row['rate']:g}"
    return text if len(found) == len(row["accuracies"]) else f"{text}, {len(row['accuracies']) - len(found)} diverged"


def main() -> int:
    """Run the experiment, print its table and write its numbers."""
    return run(_main, "python -m benchmarks.training.depth")


def _main() -> int:
    parser = Parser("python -m benchmarks.training.depth", "Test accuracy after one epoch against depth, on digits.")
    parser.add_argument(
        "--depths", type=numbers(1), default=",".join(map(str, DEPTHS)), help="weight layers, first and last included"
    )
    parser.add_argument("--seeds", type=whole(1), default=SEEDS)
    parser.add_argument("--workers", type=whole(1), default=cores())
    parser.add_argument("--json", type=writable, default=RESULTS, metavar="FILE")
    options = parser.parse()
    depths: list[int] = options.depths
    rows = experiment(depths, options.seeds, options.workers)
    write(options.json, json.dumps({"rates": RATES, "width": WIDTH, "batch": BATCH, "rows": rows}, indent=1) + "\n")
    if (tuple(depths), options.seeds, options.json) == (DEPTHS, SEEDS, RESULTS):
        parts.write("depth", table(rows))
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
