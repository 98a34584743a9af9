"""Plain SGD on the digits for a few seeds at a time: what the small experiments on plain nets share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simulations.data.splits import Labelled, digits_split
from simulations.layers.dense import Parameters
from simulations.layers.losses import one_hot
from simulations.layers.network import Network
from simulations.numbers.arrays import Array
from simulations.training.sgd import step

DATA = digits_split().flattened()
FEATURES, CLASSES = DATA.training.x.shape[1], DATA.classes


def batches(seeds: int, batch: int, rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """Yield an epoch of minibatches (seeds, batch, features) and their targets, in an order of its own for each."""
    data = DATA.training
    orders = np.stack([rng.permutation(len(data)) for _ in range(seeds)])
    for start in range(0, len(data) - batch + 1, batch):
        chosen = orders[:, start : start + batch]
        yield data.x[chosen].astype(np.float64), one_hot(data.labels[chosen], CLASSES)


def epoch(network: Network, parameters: Parameters, rate: float, batch: int, rng: np.random.Generator) -> Parameters:
    """Train for one epoch; seeds that diverge end in numbers that are not finite."""
    seeds = len(next(iter(parameters.values())))
    for x, targets in batches(seeds, batch, rng):
        parameters = step(network, parameters, x, targets, rate).parameters
    return parameters


def accuracies(network: Network, parameters: Parameters, data: Labelled) -> list[float]:
    """Return the share of the images that are named, for each seed; 0 where training diverged."""
    seeds = len(next(iter(parameters.values())))
    x = np.broadcast_to(data.x.astype(np.float64), (seeds, *data.x.shape))
    logits = network.run(parameters, x).output
    right = (logits.argmax(axis=2) == data.labels).mean(axis=1)
    return [float(one) for one in np.where(np.isfinite(logits).all(axis=(1, 2)), right, 0.0)]
