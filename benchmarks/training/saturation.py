"""Deep sigmoid nets on the digits: mean and spread of each layer's activations as they learn (Glorot & Bengio 2010).

Their figure 2, on other data: weights uniform within 1/sqrt(n), biases 0, plain SGD on minibatches of 10. Of each
layer, the mean of its activations over images and units, their standard deviation over images, averaged over units, and
the share of units that are below 0.05 on average; the test accuracy beside them.

    python -m benchmarks.training.saturation [--layers 4] [--epochs 200] [--seeds 3] [--json FILE]
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
from simulations.layers.activations import Sigmoid
from simulations.layers.dense import Parameters
from simulations.layers.network import Network
from simulations.networks.mlp import mlp
from simulations.numbers.streams import stream
from simulations.weights.initialisers import Initialiser, uniform

WIDTH, BATCH, RATE = 32, 10, 0.1
SHOWN = (0, 1, 2, 5, 10, 20, 50, 100, 200, 400)
INIT = Initialiser(lambda fan_in, fan_out: 1 / (3 * fan_in), uniform)
RESULTS = Path(__file__).parents[1] / "results" / "saturation.json"


def seen(network: Network, parameters: Parameters, epochs: int) -> dict[str, Any]:
    """Return what the layers do on the test images, averaged over seeds, and every seed's accuracy."""
    seeds = len(parameters["readout.weight"])
    x = np.broadcast_to(DATA.test.x.astype(np.float64), (seeds, *DATA.test.x.shape))
    states = network.run(parameters, x).states[1:-1]
    return {
        "epochs": epochs,
        "mean": [float(state.mean()) for state in states],
        "spread": [float(state.std(axis=1).mean()) for state in states],
        "near 0": [float((state.mean(axis=1) < 0.05).mean()) for state in states],
        "test": accuracies(network, parameters, DATA.test),
    }


def rows(layers: int, epochs: int, seeds: int) -> list[dict[str, Any]]:
    """Train, and look at the layers after some of the epochs."""
    network = mlp(
        [FEATURES] + [WIDTH] * layers,
        init=INIT,
        activation=Sigmoid(),
        classes=CLASSES,
        readout=INIT,
        bias_deviation=0.0,
    )
    parameters = network.draw(stream(0, "saturation", layers), seeds)
    found = [seen(network, parameters, 0)]
    for number in range(1, epochs + 1):
        parameters = epoch(network, parameters, RATE, BATCH, stream(0, "saturation batches", number))
        if number in SHOWN:
            found.append(seen(network, parameters, number))
    return found


def table(found: list[dict[str, Any]]) -> str:
    """Return the results as Markdown: for each layer its mean, its spread over images, and its units near 0."""
    layers = len(found[0]["mean"])
    heads = ["epochs", *(f"layer {layer + 1}" for layer in range(layers)), "test accuracy"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in found:
        cells = [
            f"{mean:.2f} ± {spread:.3f}, {share:.0%}"
            for mean, spread, share in zip(row["mean"], row["spread"], row["near 0"], strict=True)
        ]
        lines.append(f"| {row['epochs']} | {' | '.join(cells)} | {np.mean(row['test']):.2f} |")
    return "\n".join(lines)


def main() -> None:
    """Train, print the table and write the numbers."""
    parser = Parser("python -m benchmarks.training.saturation", "Activations of a deep sigmoid net as it learns.")
    parser.add_argument("--layers", type=whole(1), default=4, help="hidden layers")
    parser.add_argument("--epochs", type=whole(1), default=200)
    parser.add_argument("--seeds", type=whole(1), default=3)
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE")
    options = parser.parse()
    found = rows(options.layers, options.epochs, options.seeds)
    says = {"layers": options.layers, "seeds": options.seeds, "rows": found}
    write(options.json, json.dumps(says, indent=1, allow_nan=False) + "\n")
    print(table(found))


if __name__ == "__main__":
    main()
