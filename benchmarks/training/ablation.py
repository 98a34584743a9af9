"""What Fixup's third rule does for training: residual nets on digits with and without scalar biases and multipliers.

Every variant has its own learning rate at every depth: the best of the grid by the mean accuracy of three seeds on
validation data (a run that diverges counts as 0). Test accuracy after one epoch is then measured for all seeds, which
are paired: start and order of the images are those of the seed, whatever the variant. The p-value is that of the exact
two-sided sign test against the variant without scalars, ties left out.

    python -m benchmarks.training.ablation [--depths 10,100] [--seeds 40] [--json FILE]
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from dataclasses import dataclass
from math import comb
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported

from simulations.command_line import Parser, whole
from simulations.data.splits import digits_split
from simulations.files import write
from simulations.networks.fixup import FixupRules, fixup_mlp
from simulations.numbers.streams import stream
from simulations.training.optimiser import Descent
from simulations.training.run import blocks_of, train
from simulations.training.trainer import Plan, Trainer

RATES = (0.03, 0.1, 0.3, 1.0)
DEPTHS = (10, 100, 1000)
WIDTH, BATCH, BRANCH = 32, 64, 2
CHOOSING, SEEDS = 3, 40
RESULTS = Path(__file__).resolve().parents[1] / "results" / "ablation.json"
NONE = "none"
VARIANTS: dict[str, tuple[FixupRules, float]] = {
    NONE: (FixupRules(bias=None, multiplier=None), 1.0),
    "multipliers, 1/10": (FixupRules(bias=None), 0.1),
    "biases, 1/10": (FixupRules(multiplier=None), 0.1),
    "both, 1/10": (FixupRules(), 0.1),
    "both, 1/1000": (FixupRules(), 0.001),
}
"""The rules that a variant follows, and the rate of scalars over that of weights."""


@dataclass(frozen=True)
class Cell:
    """One training run."""

    variant: str
    layers: int
    rate: float
    seed: int
    on: str = "validation"


def accuracy(cell: Cell) -> float | None:
    """Train one epoch and return the accuracy, or None if the run diverged."""
    rules, factor = VARIANTS[cell.variant]
    data = digits_split().flattened()
    features = data.training.x.shape[1]
    blocks = blocks_of(cell.layers, BRANCH)
    network = fixup_mlp(WIDTH, blocks, layers_per_branch=BRANCH, stem=features, classes=data.classes, rules=rules)
    parameters = network.draw(stream(cell.seed, "training", "start"), 1)
    plan = Plan(BATCH, 1, cell.seed)
    return train(Trainer(network, parameters, data, Descent(cell.rate, 0.0, 0.0, factor), plan), on=cell.on).accuracy


def sign_test(differences: list[float]) -> float:
    """Return the two-sided p-value of the exact sign test; 1 if all differences are 0."""
    more, less = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
    trials = more + less
    tail: float = sum(comb(trials, k) for k in range(min(more, less) + 1)) * 0.5**trials
    return min(1.0, 2 * tail)


def experiment(depths: list[int], seeds: int) -> list[dict[str, Any]]:
    """Choose rates on validation data and measure test accuracy; return a row for each variant and depth."""
    rows: list[dict[str, Any]] = []
    for layers in depths:
        bare: list[float] = []
        for variant in VARIANTS:
            tried = {
                rate: statistics.mean(accuracy(Cell(variant, layers, rate, seed)) or 0.0 for seed in range(CHOOSING))
                for rate in RATES
            }
            rate = max(RATES, key=lambda rate: tried[rate])
            found = [accuracy(Cell(variant, layers, rate, seed, "test")) for seed in range(seeds)]
            counted = [one or 0.0 for one in found]
            bare = counted if variant == NONE else bare
            gains = [one - other for one, other in zip(counted, bare, strict=True)]
            rows.append(
                {
                    "variant": variant,
                    "layers": layers,
                    "rate": rate,
                    "validation": tried,
                    "accuracies": found,
                    "mean gain": statistics.mean(gains),
                    "sign test": sign_test(gains),
                }
            )
            print(line(rows[-1]), file=sys.stderr, flush=True)
    return rows


def line(row: dict[str, Any]) -> str:
    """Say in one line what a variant came to at a depth."""
    counted = [one or 0.0 for one in row["accuracies"]]
    text = (
        f"{row['layers']:,} layers, {row['variant']}, rate {row['rate']:g}: {statistics.mean(counted):.3f} "
        f"({min(counted):.3f} to {max(counted):.3f})"
    )
    gain = f"{row['mean gain']:+.3f}, p = {row['sign test']:.2g}"
    return text if row["variant"] == NONE else f"{text}, against none {gain}"


def main() -> None:
    """Run the experiment, print its lines and write its numbers."""
    parser = Parser("python -m benchmarks.training.ablation", "Fixup without its biases and multipliers, on digits.")
    parser.add_argument("--depths", default=",".join(map(str, DEPTHS)), help="weight layers, first and last included")
    parser.add_argument("--seeds", type=whole(1), default=SEEDS)
    parser.add_argument("--json", type=Path, default=RESULTS)
    options = parser.parse()
    try:
        depths = [int(depth) for depth in options.depths.split(",")]
        for depth in depths:
            blocks_of(depth, BRANCH)
    except ValueError as error:
        parser.error(str(error))
    rows = experiment(depths, options.seeds)
    write(options.json, json.dumps({"width": WIDTH, "batch": BATCH, "epochs": 1, "rows": rows}, indent=1) + "\n")
    print("\n".join(map(line, rows)))


if __name__ == "__main__":
    main()
