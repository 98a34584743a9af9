"""Stochastic gradient descent on the softmax loss, one step at a time, for weights of any kind.

Weights that are not drawn learn too: a step adds a matrix of rank `batch`, which they keep as its factors. So the first
steps of a network can be followed whose weights would fit on no machine.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulations.layers.dense import Gradients, Parameters
from simulations.layers.losses import SoftmaxLoss, softmax_loss
from simulations.layers.network import Network
from simulations.numbers.arrays import Array
from simulations.weights.kinds import Outer
from simulations.weights.undrawn import Undrawn


@dataclass(frozen=True)
class Step:
    """One step: the parameters after it, the loss before it, and the gradient of the mean loss that it took."""

    parameters: Parameters
    loss: SoftmaxLoss
    gradients: Gradients


def step(network: Network, parameters: Parameters, x: Array, targets: Array, rate: float) -> Step:
    """Take one step on the mean loss of x (draws, batch, features) with targets (draws, batch, classes).

    Arrays are left alone and come back as new ones; undrawn weights are changed in place.

    Raises
    ------
    ValueError
        If the rate is not positive.
    """
    if not rate > 0:
        raise ValueError(f"the learning rate must be positive, got {rate}")
    run, gradients = network.run(parameters, x), Gradients()
    loss = softmax_loss(run.output, targets)
    cotangent = (loss.logit_gradient / x.shape[1]).astype(x.dtype, copy=False)
    run.backward(cotangent, gradients)
    after = {name: _moved(value, gradients.get(name), rate) for name, value in parameters.items()}
    return Step(after, loss, gradients)


def _moved(value: Array, gradient: Outer | None, rate: float) -> Array:
    if gradient is None:  # a mask: drawn, not learnt
        return value
    weights: object = value
    if isinstance(weights, Undrawn):
        weights.add(gradient.x, gradient.dy, -rate)
        return value
    return value - rate * gradient.array
