"""Residual nets without norms, with batch norm and normaliser-free, and what their blocks do to a batch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from simulations import Dense, LeakyReLU, Network, Residual, Sequential, he, lecun
from simulations.layers.dense import Layer
from simulations.layers.normalisation import BatchNorm, WeightStandardised
from simulations.layers.scaling import Scale
from simulations.networks.rival_norms import CENTRED_GAIN, nf_block, nf_variances
from simulations.numbers.arrays import Array

RELU = LeakyReLU()


def nets(p: dict[str, Any]) -> dict[str, Network]:
    """Build the three nets; the first block of a stage has a linear layer in its shortcut."""
    width, alpha = p["width"], p["alpha"]
    book = [beta2 for blocks in p["stages"] for beta2 in nf_variances(alpha, blocks + 1)[1:]]
    before = [1.0, *book[:-1]]
    blocks: dict[str, list[Layer]] = {"no norm": [], "batch norm": [], "NF": []}
    starts = np.cumsum([0, *p["stages"]])[:-1]
    for block, beta2 in enumerate(before):
        first, new = block in starts, f"shortcut{block}"
        linear = [Dense(f"{block}.{at}", width, width, he) for at in range(2)]
        plain = Sequential((RELU, linear[0], RELU, linear[1]))
        shortcut: tuple[Layer, ...] = (Dense(new, width, width, lecun),) if first else ()
        blocks["no norm"].append(Residual(plain, Sequential(shortcut)))
        norms = [BatchNorm(f"{block}.norm{at}", width) for at in range(3)]
        normed = Sequential((norms[0], RELU, linear[0], norms[1], RELU, linear[1]))
        shortcut = (norms[2], RELU, Dense(new, width, width, he)) if first else ()
        blocks["batch norm"].append(Residual(normed, Sequential(shortcut)))
        standardised = [WeightStandardised(one, CENTRED_GAIN / math.sqrt(width)) for one in linear]
        residual_block = nf_block((RELU, standardised[0], RELU, standardised[1]), alpha, beta2)
        shortcut = (Scale(beta2**-0.5), Dense(new, width, width, lecun)) if first else ()
        blocks["NF"].append(Residual(residual_block.branch, Sequential(shortcut)))
    return {name: Network(tuple(some)) for name, some in blocks.items()}


def statistics(network: Network, x: Array, rng: np.random.Generator) -> dict[str, Array]:
    """Return the three quantities of a draw after every block, averaged over channels; a branch's before its scale."""
    parameters = network.draw(rng, 1)
    found: dict[str, list[float]] = {"mean": [], "variance": [], "branch": []}
    for block in network.layers:
        assert isinstance(block, Residual)
        branch, _ = block.branch.forward(parameters, x)
        x = block.shortcut.forward(parameters, x)[0] + branch
        scales = [one.factor for one in getattr(block.branch, "layers", ())[-1:] if isinstance(one, Scale)]
        found["branch"].append((branch / math.prod(scales)).var(axis=1).mean())
        found["mean"].append(np.square(x.mean(axis=1)).mean())
        found["variance"].append(x.var(axis=1).mean())
    return {name: np.array(values) for name, values in found.items()}
