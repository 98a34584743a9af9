"""How far the whole function moves in one step of SGD: ||f(x; theta - rate grad) - f(x; theta)|| / rate.

Fixup's aim is that this is of one order at every depth. It compares initialisations fairly only if the classifier is
not zero: behind a zero classifier no other layer has a gradient in the first step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulations.layers.losses import softmax_loss
from simulations.layers.network import Network
from simulations.numbers.arrays import Array
from simulations.training.sgd import step
from simulations.weights.kinds import AnyParameters


@dataclass(frozen=True)
class FunctionChange:
    """What one step did, per draw and unit of the learning rate; arrays (draws,)."""

    change: Array
    """||f(after) - f(before)||, over all samples and logits of the batch."""
    along: Array
    """Its part that lowers the mean loss: -<f(after) - f(before), dl/df>."""
    first_order: Array
    """The squared norm of the gradient of the mean loss: what `along` tends to as the rate goes to 0.

    Where f has a derivative. A Fixup network with ReLUs has none at its start: units that the first ReLU zeroes are 0
    before every later one too, and a step takes some of them over the kink.
    """


def function_change(
    network: Network, parameters: AnyParameters, x: Array, targets: Array, rate: float
) -> FunctionChange:
    """Take one SGD step on the mean softmax loss and see how far the outputs at `x` move.

    Parameters
    ----------
    parameters : dict
        Arrays or undrawn weights, left as they are.
    x, targets : arrays (draws, batch, features) and (draws, batch, classes)
    rate : float
        Not so small that the change drowns in rounding: relative errors are about 1e-16 / rate.

    Raises
    ------
    ValueError
        If the rate is not positive, or the shapes do not fit.
    """
    before = network.run(parameters, x).output
    taken = step(network, parameters, x, targets, rate)
    moved = (network.run(taken.parameters, x).output - before).astype(np.float64) / rate
    gradient = softmax_loss(before, targets).logit_gradient / x.shape[1]
    squares = [one.square_norm for one in taken.gradients.values()]
    return FunctionChange(
        change=np.sqrt(np.square(moved).sum(axis=(1, 2))),
        along=-(moved * gradient).sum(axis=(1, 2)),
        first_order=np.sum(squares, axis=0),
    )
