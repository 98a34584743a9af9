"""A network of one hidden layer, trained by SGD, that treats its hidden units alike to the last bit.

They are tanh units, or with `rectified` ReLU units.

Products are taken by multiplying and adding up term by term, never by BLAS, whose kernels may round the columns of a
matrix differently. So units that are equal stay equal bit for bit unless the mathematics tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulations.layers.losses import softmax_loss
from simulations.numbers.arrays import Array


@dataclass(frozen=True)
class TwoLayer:
    """Arrays have a leading axis of draws: (draws, features, hidden) and (draws, hidden, classes)."""

    incoming: Array
    outgoing: Array
    rectified: bool = False

    def hidden(self, x: Array) -> Array:
        """Return the hidden units' outputs (draws, batch, hidden) at x (draws, batch, features)."""
        inputs = _product(x, self.incoming)
        return np.maximum(inputs, 0) if self.rectified else np.tanh(inputs)

    def step(self, x: Array, targets: Array, rate: float, outgoing_rate: float | None = None) -> TwoLayer:
        """Take one step of gradient descent on the mean softmax loss of x; outgoing weights may have their own rate."""
        hidden = self.hidden(x)
        slope = softmax_loss(_product(hidden, self.outgoing), targets).logit_gradient / x.shape[1]
        slopes = hidden > 0 if self.rectified else 1 - hidden * hidden
        through = _product(slope, _turned(self.outgoing)) * slopes
        return replace(
            self,
            incoming=self.incoming - rate * _product(_turned(x), through),
            outgoing=self.outgoing - (outgoing_rate or rate) * _product(_turned(hidden), slope),
        )


def _product(left: Array, right: Array) -> Array:
    added: Array = sum(left[..., i, None] * right[:, None, i] for i in range(left.shape[-1]))  # type: ignore[assignment]
    return added


def _turned(x: Array) -> Array:
    return np.ascontiguousarray(x.swapaxes(1, 2))
