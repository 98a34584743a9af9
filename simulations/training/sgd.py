"""Stochastic gradient descent on the softmax loss, one step at a time, for weights of any kind.

Weights that are not drawn learn too: a step adds a matrix of rank `batch`, which they keep as its factors. So the first
steps of a network can be followed whose weights would fit on no machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, cast

import numpy as np

from simulations.layers.dense import Gradients
from simulations.layers.losses import SoftmaxLoss, softmax_loss
from simulations.layers.network import Network
from simulations.numbers.arrays import Array
from simulations.weights.kinds import Gradient, W, factors
from simulations.weights.undrawn import Undrawn


@dataclass(frozen=True)
class Step(Generic[W]):
    """One step: the parameters after it, the loss before it, and the gradient of the mean loss that it took."""

    parameters: dict[str, W]
    loss: SoftmaxLoss
    gradients: Gradients


def step(network: Network, parameters: Mapping[str, W], x: Array, targets: Array, rate: float) -> Step[W]:
    """Take one step on the mean loss of x (draws, batch, features) with targets (draws, batch, classes).

    The parameters come back as new ones of the same kinds, and those given stay as they are.

    Raises
    ------
    ValueError
        If the rate is not positive.
    TypeError
        If weights are of a kind that cannot learn (`simulations.weights.kinds.Drawn`).
    """
    if not rate > 0:
        raise ValueError(f"the learning rate must be positive, got {rate}")
    run, gradients = network.run(parameters, x), Gradients()
    loss = softmax_loss(run.output, targets)
    cotangent = (loss.logit_gradient / x.shape[1]).astype(x.dtype, copy=False)
    run.backward(cotangent, gradients)
    after = {name: _moved(name, value, gradients.get(name), rate) for name, value in parameters.items()}
    return Step(after, loss, gradients)


def _moved(name: str, value: W, gradient: Gradient | None, rate: float) -> W:
    if gradient is None:  # a mask: drawn, not learnt
        return value
    if isinstance(value, Undrawn):
        outer = factors(gradient)
        return value.plus(outer.x, outer.dy, -rate)
    if isinstance(value, np.ndarray):
        return cast(W, value - rate * gradient.array)  # an array again
    raise TypeError(f"{name!r} is of kind {type(value).__name__} and cannot learn: draw arrays, or leave it undrawn")
