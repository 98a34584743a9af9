"""Stochastic gradient descent on the softmax loss, one step at a time."""

from __future__ import annotations

from simulations.initialisers import Array
from simulations.layers import Parameters
from simulations.losses import softmax_loss
from simulations.networks import Network


def step(
    network: Network, parameters: Parameters, x: Array, targets: Array, rate: float
) -> tuple[Parameters, Parameters]:
    """Take one step on the mean loss of x (draws, batch, features).

    Returns
    -------
    tuple
        The parameters afterwards, and the gradient along which they went.
    """
    run = network.run(parameters, x)
    gradients = run.gradients(softmax_loss(run.output, targets).logit_gradient / x.shape[1])
    return {name: value - rate * gradients[name] for name, value in parameters.items()}, gradients
