"""A network of one hidden tanh layer, trained by SGD, that treats its hidden units alike to the last bit.

Products are taken by multiplying and adding up along one axis, never by BLAS, whose kernels may round the columns of
a matrix differently. So units that are equal stay equal bit for bit unless the mathematics tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulations.layers.losses import softmax_loss
from simulations.numbers.arrays import Array


@dataclass(frozen=True)
class TwoLayer:
    """Arrays have a leading axis of draws: (draws, features, hidden) and (draws, hidden, classes)."""

    incoming: Array
    outgoing: Array

    def step(self, x: Array, targets: Array, rate: float) -> TwoLayer:
        """Take one step of gradient descent on the mean softmax loss of x (draws, batch, features)."""
        hidden = np.tanh(_product(x, self.incoming))
        slope = softmax_loss(_product(hidden, self.outgoing), targets).logit_gradient / x.shape[1]
        through = _product(slope, _turned(self.outgoing)) * (1 - hidden * hidden)
        return TwoLayer(
            self.incoming - rate * _product(_turned(x), through),
            self.outgoing - rate * _product(_turned(hidden), slope),
        )


def _product(left: Array, right: Array) -> Array:
    terms = np.ascontiguousarray(left[..., None] * right[:, None])
    added: Array = terms.sum(axis=2)
    return added


def _turned(x: Array) -> Array:
    return np.ascontiguousarray(x.swapaxes(1, 2))
