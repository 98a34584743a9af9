"""Plain ReLU nets of 8 to 30 layers on the digits: staged training, as of VGG, against one go (He et al. 2015).

Weights start at He's deviation, at Xavier's (1/sqrt 2 of it), or at half of it, as VGG's 0.01 is in its widest layers.
In one go all layers are trained together; in stages 8 layers are trained first, then new ones are inserted below the
last three again and again, all learning on. One go and each stage take the same number of epochs, so that the deepest
staged net has had five times as many. Plain SGD; every cell has the best of four rates by validation data, of the mean
over seeds.

    python -m benchmarks.training.staged [--depths 8,14,20,25,30] [--epochs 30] [--seeds 3] [--json FILE]
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported

import numpy as np

from benchmarks.training.few_seeds import CLASSES, DATA, FEATURES, accuracies, epoch
from simulations.command_line import Parser, whole
from simulations.files import write
from simulations.layers.dense import Parameters
from simulations.layers.network import Network
from simulations.networks.mlp import mlp
from simulations.numbers.streams import stream
from simulations.training.stages import grown
from simulations.weights.initialisers import he

WIDTH, BATCH = 32, 64
RATES = (0.01, 0.03, 0.1, 0.3)
SCALES = {"He": 1.0, "Xavier": 0.5**0.5, "half of He": 0.5}
"""Deviation of the weights over He's."""
WAYS = ("one go", "stages")
STARTS = tuple((init, way) for init in SCALES for way in WAYS)
RESULTS = Path(__file__).parents[1] / "results" / "staged.json"


def plain(layers: int, scale: float) -> Network:
    """Build a net of `layers` matrices, the readout included."""
    init = he.scaled(scale)
    return mlp([FEATURES] + [WIDTH] * (layers - 1), init=init, classes=CLASSES, readout=init)


def train(
    init: str, way: str, depths: list[int], rate: float, epochs: int, seeds: int
) -> list[tuple[Network, Parameters]]:
    """Return the trained nets of all depths."""
    found: list[tuple[Network, Parameters]] = []
    for depth in depths:
        network = plain(depth, SCALES[init])
        parameters = network.draw(stream(0, "staged", init, depth), seeds)
        if found and way == "stages":
            parameters = grown(found[-1][1], depths[len(found) - 1], parameters, depth)
        for number in range(epochs):
            parameters = epoch(network, parameters, rate, BATCH, stream(0, "staged batches", depth, number))
        found.append((network, parameters))
    return found


def rows(depths: list[int], epochs: int, seeds: int) -> list[dict[str, Any]]:
    """Train every start at every rate; keep, for each depth, the rate that is best on validation data."""
    found = []
    for init, way in STARTS:
        runs = {rate: train(init, way, depths, rate, epochs, seeds) for rate in RATES}
        for place, depth in enumerate(depths):
            judged = {rate: float(np.mean(accuracies(*runs[rate][place], DATA.validation))) for rate in RATES}
            rate = max(RATES, key=judged.__getitem__)
            tested = accuracies(*runs[rate][place], DATA.test)
            found.append(
                {"start": f"{init}, {way}", "layers": depth, "rate": rate, "validation": judged, "test": tested}
            )
    return found


def table(found: list[dict[str, Any]]) -> str:
    """Return the results as Markdown: the mean over seeds, their range, and the rate."""
    depths = sorted({row["layers"] for row in found})
    lines = ["| start | " + " | ".join(f"{depth} layers" for depth in depths) + " |", "|---" * (len(depths) + 1) + "|"]
    for start in dict.fromkeys(row["start"] for row in found):
        cells = [
            f"{np.mean(row['test']):.2f} ({min(row['test']):.2f} to {max(row['test']):.2f}), {row['rate']:g}"
            for row in found
            if row["start"] == start
        ]
        lines.append(f"| {start} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Train, print the table and write the numbers."""
    parser = Parser("python -m benchmarks.training.staged", "Staged training of plain nets against one go.")
    parser.add_argument("--depths", default="8,14,20,25,30", help="layers, from few to many")
    parser.add_argument("--epochs", type=whole(1), default=30, help="of one go, and of every stage")
    parser.add_argument("--seeds", type=whole(1), default=3)
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE")
    options = parser.parse()
    depths = [int(depth) for depth in options.depths.split(",")]
    with np.errstate(all="ignore"):  # what overflows counts as 0
        found = rows(depths, options.epochs, options.seeds)
    says = {"epochs": options.epochs, "seeds": options.seeds, "rows": found}
    write(options.json, json.dumps(says, indent=1, allow_nan=False) + "\n")
    print(table(found))


if __name__ == "__main__":
    main()
