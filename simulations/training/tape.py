"""The NumPy calls of a training step, written down once and played again and again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from simulations.layers.dense import Parameters
from simulations.layers.scalars import Scalar
from simulations.numbers.arrays import Array
from simulations.training.buffers import Buffer, Scratch

Pair = tuple[Array, Array]
"""A parameter and where its gradient is written."""


class Tape:
    """Two lists of calls, of the way forward and of the way back, and the arrays that they work on.

    Parameters
    ----------
    parameters, gradients : dict of arrays (1, ...)
        What is read, and where gradients are written.
    """

    def __init__(self, parameters: Parameters, gradients: Parameters) -> None:
        self.parameters, self.gradients, self.scratch = parameters, gradients, Scratch()
        self.forward: list[Callable[[], object]] = []
        self.backward: list[Callable[[], object]] = []
        self._taken: set[str] = set()

    def now(self, function: Callable[..., object], *operands: Array, **options: Any) -> None:
        """Add a call of the way forward, and make it, so that the layers after it are traced with real numbers."""
        self.forward.append(partial(function, *operands, **options))
        self.forward[-1]()

    def later(self, function: Callable[..., object], *operands: Array, **options: Any) -> None:
        """Add a call of the way back."""
        self.backward.append(partial(function, *operands, **options))

    def pair(self, name: str) -> Pair:
        """Return a parameter and its gradient.

        Raises
        ------
        ValueError
            If another layer has taken it.
        """
        if name in self._taken:
            raise ValueError(f"two layers have a parameter named {name!r}; each needs its own name")
        self._taken.add(name)
        return self.parameters[name], self.gradients[name]

    def scalar(self, layer: Scalar) -> Pair:
        """Return the parameter of a layer of one number and its gradient, both of shape ()."""
        value, gradient = self.pair(layer.name)
        return value.reshape(()), gradient.reshape(())

    def multiplied_later(self, dy: Buffer, factor: Array) -> Buffer:
        """Add the call that multiplies a cotangent on the way back, in place if nobody keeps it; return the product."""
        dx = self.scratch.place(dy)
        self.later(np.multiply, dy.flat, factor, dx.flat)
        return dx
