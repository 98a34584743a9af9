"""Test accuracy after one epoch on digits: trained here, or as the benchmark found it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from simulations.data.splits import digits_split
from simulations.networks.rivals import build
from simulations.training.optimiser import Descent
from simulations.training.run import blocks_of, start, train
from simulations.training.trainer import Plan, Trainer

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "depth.json"


def accuracy(name: str, factor: float, rate: float, layers: int, seed: int, parameters: dict[str, Any]) -> float:
    """Train one epoch with plain SGD and return the test accuracy; NaN if the run diverged."""
    data, plan = digits_split().flattened(), Plan(parameters["batch"], 1, seed)
    sizes = {"features": data.training.x.shape[1], "classes": data.classes, "width": parameters["width"]}
    network = build(name, blocks=blocks_of(layers, 2), **sizes)
    run = Trainer(network, start(name, network, data, plan), data, Descent(rate, 0.0, 0.0, factor), plan)
    found = train(run).accuracy
    return math.nan if found is None else found


def known(path: Path = BENCHMARK) -> dict[tuple[str, float, int, float, int], float]:
    """Return what the benchmark found without momentum, by contender, factor of scalars, depth, rate and seed."""
    names = {
        "Fixup, scalars at 1/10 of the rate": ("fixup", 0.1),
        "Fixup, scalars at 1/1000": ("fixup", 0.001),
        "BatchNorm after each layer": ("batch_norm", 0.1),
        "BatchNorm before each layer": ("batch_norm_pre", 0.1),
        "LSUV": ("lsuv", 0.1),
        "sqrt(1/2)": ("sqrt_half", 0.1),
        "standard (He)": ("he", 0.1),
    }
    return {
        (*names[row["contender"]], row["layers"], row["rate"], seed): math.nan if found is None else found
        for row in json.loads(path.read_text())["rows"]
        if row["momentum"] == 0 and row["contender"] in names
        for seed, found in enumerate(row["accuracies"])
    }
