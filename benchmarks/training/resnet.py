"""Test accuracy of ResNet-20 on digits, as images: Fixup's three rules against batch norm (Zhang et al. 2019, sec. 4).

Every start, momentum and number of epochs has its own learning rate: the best of the grid by the accuracy of seed 0 on
validation data (a run that diverges counts as 0). Test accuracy is then measured for every seed at that rate. An epoch
is 20 steps, so one epoch compares speed of learning and not what is learnt in the end.

    python -m benchmarks.training.resnet [--epochs 1,5] [--seeds 3] [--json FILE]
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported, here and in the workers

from simulations.command_line import Parser, numbers, run, whole, writable
from simulations.data.splits import digits_split
from simulations.executors import cores
from simulations.files import write
from simulations.networks.fixup import FIXUP, NO_RULES, FixupRules
from simulations.networks.resnet import resnet
from simulations.training.optimiser import Descent
from simulations.training.run import start, train
from simulations.training.trainer import Plan, Trainer

RATES = (0.03, 0.1, 0.3)
MOMENTA = (0.0, 0.9)
BATCH, SCALAR_FACTOR, STAGES, BLOCKS = 64, 0.1, (16, 32, 64), 3
Init = Literal["fixup", "batch_norm"]
INITS: dict[Init, str] = {"fixup": "Fixup, scalars at 1/10 of the rate", "batch_norm": "BatchNorm"}
STARTS: dict[Init, tuple[FixupRules, float | None]] = {"fixup": (FIXUP, None), "batch_norm": (NO_RULES, 1e-5)}
"""The rules that a network follows, and the eps of its batch norms."""


@dataclass(frozen=True)
class Cell:
    """One training run."""

    init: Init
    momentum: float
    epochs: int
    rate: float
    seed: int = 0
    on: str = "validation"


def accuracy(cell: Cell) -> float | None:
    """Train and return the accuracy, or None if the run diverged."""
    data, plan = digits_split(), Plan(BATCH, cell.epochs, cell.seed)
    (rules, eps), image = STARTS[cell.init], data.training.x.shape[1:]
    network = resnet(STAGES, BLOCKS, image=image, classes=data.classes, rules=rules, batch_norm=eps)
    descent = Descent(cell.rate, cell.momentum, 0.0, SCALAR_FACTOR)
    return train(Trainer(network, start(cell.init, network, data, plan), data, descent, plan), on=cell.on).accuracy


def experiment(epochs: list[int], seeds: int, workers: int) -> list[dict[str, Any]]:
    """Choose rates on validation data and measure test accuracy; return a row for each cell of the table."""
    groups = [(init, momentum, count) for init in INITS for momentum in MOMENTA for count in epochs]
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        trials = [Cell(*group, rate) for group in groups for rate in RATES]
        tried = dict(zip(trials, pool.map(accuracy, trials), strict=True))
        best = [max((Cell(*group, rate) for rate in RATES), key=lambda cell: tried[cell] or 0) for group in groups]
        tests = [[replace(cell, seed=seed, on="test") for seed in range(seeds)] for cell in best]
        found = iter(list(pool.map(accuracy, [cell for cells in tests for cell in cells])))
    return [
        {name: value for name, value in asdict(cell).items() if name not in ("seed", "on")}
        | {"validation": {str(rate): tried[replace(cell, rate=rate)] for rate in RATES}}
        | {"accuracies": [next(found) for _ in range(seeds)]}
        for cell in best
    ]


def table(rows: list[dict[str, Any]]) -> str:
    """Return the results as Markdown: mean test accuracy, spread over seeds, and the chosen rate."""
    epochs = sorted({row["epochs"] for row in rows})
    lines = [f"| start | momentum | {' | '.join(f'epochs: {count}' for count in epochs)} |"]
    lines.append("|---" * (2 + len(epochs)) + "|")
    for init, title in INITS.items():
        for momentum in MOMENTA:
            cells = {row["epochs"]: row for row in rows if (row["init"], row["momentum"]) == (init, momentum)}
            lines.append(f"| {title} | {momentum:g} | {' | '.join(_text(cells[count]) for count in epochs)} |")
    return "\n".join(lines)


def _text(row: dict[str, Any]) -> str:
    found = [one for one in row["accuracies"] if one is not None]
    if not found:
        return "diverges"
    lost = f", {len(row['accuracies']) - len(found)} diverged" if None in row["accuracies"] else ""
    return f"{statistics.mean(found):.3f} ({min(found):.3f} to {max(found):.3f}), {row['rate']:g}{lost}"


def main() -> int:
    """Run the experiment, print its table and write its numbers."""
    return run(_main, "python -m benchmarks.training.resnet")


def _main() -> int:
    parser = Parser(
        "python -m benchmarks.training.resnet", "Test accuracy of ResNet-20 on digits: Fixup against batch norm."
    )
    parser.add_argument(
        "--epochs", type=numbers(1), default="1,5", help="passes through the training images, one column each"
    )
    parser.add_argument("--seeds", type=whole(1), default=3)
    parser.add_argument("--workers", type=whole(1), default=cores())
    parser.add_argument(
        "--json", type=writable, default=Path(__file__).parents[1] / "results" / "resnet.json", metavar="FILE"
    )
    options = parser.parse()
    rows = experiment(options.epochs, options.seeds, options.workers)
    write(options.json, json.dumps({"batch": BATCH, "rows": rows}, indent=1) + "\n")
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
