"""The networks of which theorems are asked: plain and residual, shallow and deep, at several scales."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from claims.run import Run
from simulations import Inputs, LeakyReLU, Network, he, lecun, mlp, residual_mlp
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import norm

DRAWS, BATCH = 128, 8
"""Weight draws of each network, and samples in a minibatch."""

Shapes = Callable[[Inputs], dict[str, Network]]


def homogeneous(inputs: Inputs, *, classes: int | None = None, bias: float | None = None) -> dict[str, Network]:
    """Name ReLU and leaky-ReLU classifiers without biases, whose logits have degree 1; `bias` spoils that.

    Uneven widths, 1 to 3 layers a branch, a projecting shortcut; readouts make the logits of the user's rows small, of
    order 1, or large.
    """
    features = inputs.x.shape[1]
    size = float(np.median(norm(inputs.nonzero()))) / features**0.5
    small, unit, large = (lecun.scaled(scale / size) for scale in (0.01, 1, 10))
    classes = inputs.classes if classes is None else classes
    return {
        "plain, uneven widths": mlp([features, 20, 9, 14], classes=classes, readout=large, bias_deviation=bias),
        "plain, 8 leaky layers": mlp(
            [features, *[12] * 8], activation=LeakyReLU(0.2), classes=classes, readout=large, bias_deviation=bias
        ),
        "plain, small logits": mlp([features, 16], classes=classes, readout=small, bias_deviation=bias),
        "residual, 1 layer a branch": residual_mlp(
            12, 3, layers_per_branch=1, stem=features, classes=classes, readout=unit, bias_deviation=bias
        ),
        "residual, 2 layers a branch": residual_mlp(
            12, 4, hidden=20, stem=features, classes=classes, readout=unit, bias_deviation=bias
        ),
        "residual, 3 leaky layers a branch": residual_mlp(
            10,
            2,
            layers_per_branch=3,
            activation=LeakyReLU(-0.3),
            stem=features,
            classes=classes,
            readout=unit,
            bias_deviation=bias,
        ),
        "residual, projecting shortcut, He on every layer": residual_mlp(
            12, 3, last_layer=he, project=True, stem=features, classes=classes, readout=unit, bias_deviation=bias
        ),
    }


def biased(inputs: Inputs) -> dict[str, Network]:
    """Name the same networks with biases, which have no degree."""
    return homogeneous(inputs, bias=3.0)


def rows(run: Run, name: str, *shape: int) -> tuple[Array, Array]:
    """Real rows and their one-hot labels, chosen at random with replacement, rows of zeros left out."""
    usable = np.flatnonzero(run.inputs.x.any(axis=1))
    chosen = usable[run.rng("rows", name).integers(len(usable), size=shape)]
    return run.inputs.x[chosen], run.inputs.targets[chosen]
