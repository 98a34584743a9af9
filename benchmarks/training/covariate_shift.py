"""Internal covariate shift of a plain ReLU net on the digits, with and without batch normalisation, step by step.

Ioffe and Szegedy 2015 mean the change of the distribution of a layer's inputs as the layers below it learn; Santurkar
et al. 2018 measure instead how far that turns the layer's gradient. Of the middle layer, on one fixed batch before and
after each step of SGD:

- mean shift: how far the mean of an input moves, in units of its standard deviation over the batch (root mean square
  over units); spread shift: by how much the logarithm of that deviation moves (root mean square, too);
- turn: the angle, in degrees, between the layer's gradient and that after the layers below it alone have taken the
  step.

Each is the mean over steps and the median over seeds, beside the test accuracy. He's weights before normalisation.

    python -m benchmarks.training.covariate_shift [--layers 10] [--epochs 5] [--seeds 5] [--json FILE]
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported

import numpy as np

from benchmarks.training.few_seeds import CLASSES, DATA, FEATURES, accuracies, batches
from simulations.command_line import Parser, whole
from simulations.files import write
from simulations.layers.dense import Dense, Layer, Parameters
from simulations.layers.losses import softmax_loss
from simulations.layers.network import Network, Sequential
from simulations.layers.normalisation import BatchNorm
from simulations.networks.blocks import RELU
from simulations.numbers.arrays import Array
from simulations.numbers.streams import stream
from simulations.training.sgd import step
from simulations.weights.initialisers import he

WIDTH, BATCH, RATES = 32, 64, (0.01, 0.03, 0.1, 0.3)
STARTS = ("plain", "batch norm")
RESULTS = Path(__file__).parents[1] / "results" / "covariate_shift.json"


def build(start: str, layers: int) -> Network:
    """Build a net of hidden layers and a readout, with a batch norm before each ReLU or none."""
    blocks: list[Layer] = []
    for layer in range(layers):
        dense = Dense(f"layer{layer}", WIDTH if layer else FEATURES, WIDTH, he)
        norm = (BatchNorm(f"layer{layer}.norm", WIDTH, 1e-5, 1.0, 0.0),) if start == "batch norm" else ()
        blocks.append(Sequential((dense, *norm, RELU)))
    return Network((*blocks, Dense("readout", WIDTH, CLASSES, he)))


def gradient(network: Network, parameters: Parameters, x: Array, targets: Array, weight: str) -> Array:
    """Return the gradient of one matrix, (seeds, entries)."""
    run = network.run(parameters, x)
    found: Array = run.gradients(softmax_loss(run.output, targets).logit_gradient / x.shape[1])[weight]
    return found.reshape(len(found), -1)


def shifts(network: Network, before: Parameters, after: Parameters, x: Array, targets: Array) -> tuple[Array, ...]:
    """Return mean shift, spread shift and turn of the middle layer in one step, each (seeds,)."""
    middle = (len(network.layers) - 1) // 2
    inputs = [network.run(parameters, x).states[middle] for parameters in (before, after)]
    means, spreads = ([kind(one, axis=1) for one in inputs] for kind in (np.mean, np.std))
    lively = (spreads[0] > 0) & (spreads[1] > 0)
    moved = np.where(lively, (means[1] - means[0]) / np.where(lively, spreads[0], 1), 0)
    spread = np.where(lively, np.log(np.where(lively, spreads[1], 1) / np.where(lively, spreads[0], 1)), 0)
    below = tuple(f"layer{layer}." for layer in range(middle))
    mixed = {name: (after if name.startswith(below) else before)[name] for name in before}
    one, two = (gradient(network, each, x, targets, f"layer{middle}.weight") for each in (before, mixed))
    cosine = (one * two).sum(axis=1) / (np.linalg.norm(one, axis=1) * np.linalg.norm(two, axis=1))
    count = np.maximum(lively.sum(axis=1), 1)
    sizes = (np.sqrt(np.square(each).sum(axis=1) / count) for each in (moved, spread))
    return *sizes, np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def trained(start: str, rate: float, layers: int, epochs: int, seeds: int) -> dict[str, Any]:
    """Train at one rate, and measure every step on a batch of its own."""
    network = build(start, layers)
    parameters = network.draw(stream(0, "shift", start), seeds)
    fixed, targets = next(batches(seeds, 2 * BATCH, stream(0, "shift", "fixed")))
    seen = []
    for number in range(epochs):
        for x, labels in batches(seeds, BATCH, stream(0, "shift batches", number)):
            after = step(network, parameters, x, labels, rate).parameters
            seen.append(shifts(network, parameters, after, fixed, targets))
            parameters = after
    mean, spread, turn = (np.median(np.mean(one, axis=0)) for one in zip(*seen, strict=True))
    found = {"mean shift": mean, "spread shift": spread, "turn": turn}
    numbers = {name: float(one) if np.isfinite(one) else None for name, one in found.items()}
    return {"start": start, "rate": rate, "test": accuracies(network, parameters, DATA.test)} | numbers


def table(rows: list[dict[str, Any]]) -> str:
    """Return the results as Markdown."""
    lines = ["| start | rate | mean shift | spread shift | turn | test accuracy |", "|---" * 6 + "|"]
    for row in rows:
        seen = [
            "diverges" if row[name] is None else f"{row[name]:.3g}" for name in ("mean shift", "spread shift", "turn")
        ]
        lines.append(f"| {row['start']} | {row['rate']:g} | {' | '.join(seen)} | {np.mean(row['test']):.2f} |")
    return "\n".join(lines)


def main() -> None:
    """Train, print the table and write the numbers."""
    parser = Parser("python -m benchmarks.training.covariate_shift", "Internal covariate shift, step by step.")
    parser.add_argument("--layers", type=whole(2), default=10, help="hidden layers")
    parser.add_argument("--epochs", type=whole(1), default=5)
    parser.add_argument("--seeds", type=whole(1), default=5)
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE")
    options = parser.parse()
    with np.errstate(all="ignore"):  # what overflows is said to diverge
        rows = [
            trained(start, rate, options.layers, options.epochs, options.seeds) for start in STARTS for rate in RATES
        ]
    says = {"layers": options.layers, "epochs": options.epochs, "seeds": options.seeds, "rows": rows}
    write(options.json, json.dumps(says, indent=1, allow_nan=False) + "\n")
    print(table(rows))


if __name__ == "__main__":
    main()
