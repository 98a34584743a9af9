"""A network compiled to two lists of NumPy calls, one forwards and one backwards, on arrays that are allocated once.

At width 32 and batch 64 a training step spends more time on Python and on fresh memory than on arithmetic. So the
layers are asked once, when the network is compiled, which calls they need. A step then makes these calls and does
nothing else. The arithmetic is that of ``forward`` and ``pullback``; any layer not known here is run by them.

- *Forwards* a call writes over its input unless somebody needs that later (`Buffer.kept`): the layer's own way back,
  the layer before, or the shortcut around a branch.
- *Backwards* cotangents live in a few scratch arrays, and gradients are written to arrays given by name.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from simulations.layers.affine import Affine, grouped
from simulations.layers.dense import Dense, Gradients, Layer, LeakyReLU, Parameters, Pullback
from simulations.layers.network import Network, Residual, Sequential
from simulations.layers.scalars import Scalar, ScalarBias, ScalarMultiplier
from simulations.layers.scaling import Scale
from simulations.numbers.arrays import Array
from simulations.training.buffers import Buffer, Recorder, place

Backward = Callable[[Buffer], Buffer]
"""Adds the calls of the way back, given where the cotangent of the output will be; returns where the input's will."""


class Compiled(Recorder):
    """What `network` computes for batches of one shape, and the gradients of its parameters.

    Parameters
    ----------
    parameters, gradients : dict of arrays
        Of one draw, all of one precision: what is read, and where gradients are written. Both stay where they are.
    x : array (1, batch, ...)
        Inputs to trace the network with; only their shape and precision are kept.

    Raises
    ------
    ValueError
        If the inputs do not fit the network, or two layers have a parameter of the same name.
    """

    def __init__(self, network: Network, parameters: Parameters, gradients: Parameters, x: Array) -> None:
        self._parameters, self._gradients = parameters, gradients
        super().__init__()
        self._named: set[str] = set()
        self._input = Buffer(np.array(x, order="C"), kept=True)
        self._output, backward = self._add(network, self._input)
        self._cotangent = self._scratch.like(self._output)
        backward(self._cotangent)

    def forward(self, x: Array) -> Array:
        """Return the output at `x` (batch, ...); the next call writes over it."""
        self._input.array[0] = x
        for call in self._forward:
            call()
        return np.asarray(self._output.array[0])

    def backward(self, cotangent: Array) -> None:
        """Write the gradients of all parameters for this cotangent (batch, ...) of the last output."""
        self._cotangent.array[0] = cotangent
        for call in self._backward:
            call()

    def _add(self, layer: Layer | Affine, x: Buffer) -> tuple[Buffer, Backward]:
        """Add a layer's calls; return where its output is, and what adds the calls of the way back."""
        known: dict[type, Callable[[Any, Buffer], tuple[Buffer, Backward]]] = {
            Network: self._sequential,
            Sequential: self._sequential,
            Residual: self._residual,
            Affine: self._affine,
            Dense: lambda dense, x: self._affine(Affine(dense), x),
            ScalarBias: self._scalar_bias,
            ScalarMultiplier: self._scalar_multiplier,
            Scale: self._scale,
            LeakyReLU: self._relu,
        }
        return known.get(type(layer), self._other)(layer, x)

    def _sequential(self, layer: Sequential, x: Buffer) -> tuple[Buffer, Backward]:
        parts: list[Backward] = []
        for part in grouped(layer.layers):
            x, backward = self._add(part, x)
            parts.append(backward)

        def way_back(dy: Buffer) -> Buffer:
            for backward in reversed(parts):
                dy = backward(dy)
            return dy

        return x, way_back

    def _residual(self, layer: Residual, x: Buffer) -> tuple[Buffer, Backward]:
        x.kept = True
        branch, through_branch = self._add(layer.branch, x)
        shortcut, through_shortcut = self._add(layer.shortcut, x)
        y = place(branch, shortcut)
        self._now(np.add, shortcut.flat, branch.flat, y.flat)

        def backward(dy: Buffer) -> Buffer:
            kept, dy.kept = dy.kept, True
            first = through_branch(dy)
            second = through_shortcut(dy)
            dy.kept = kept
            dx = self._scratch.place(second, first)
            self._later(np.add, second.flat, first.flat, dx.flat)
            for spent in {id(one): one for one in (dy, first, second) if one is not dx}.values():
                self._scratch.release(spent)
            return dx

        return y, backward

    def _affine(self, group: Affine, x: Buffer) -> tuple[Buffer, Backward]:
        """Add ``a ((x + b) W)``; x + b is formed again on the way back and the product is not kept."""
        layer = group.dense
        if x.array.ndim != 3 or x.array.shape[-1] != layer.fan_in:
            raise ValueError(
                f"layer {layer.name!r} expects rows of {layer.fan_in} features, got a batch of {x.array.shape[1:]}"
            )
        x.kept = True
        weight, gradient = (one[0] for one in self._pair(layer.weight))
        shift, factor = self._scalar(group.shift), self._scalar(group.factor)
        bias = None if layer.bias_deviation is None else self._pair(layer.bias)
        y = Buffer(np.empty((*x.array.shape[:-1], layer.fan_out), x.array.dtype))
        shifted = self._shifted(x, shift, self._now)
        self._now(np.dot, shifted.rows, weight, y.rows)
        self._scratch.release(shifted)
        if factor:
            self._now(np.multiply, y.flat, factor[0], y.flat)
        if bias:
            self._now(np.add, y.rows, bias[0][0], y.rows)

        def backward(dy: Buffer) -> Buffer:
            if bias:
                self._later(np.add.reduce, dy.rows, axis=0, keepdims=True, out=bias[1][0])
            shifted = self._shifted(x, shift, self._later)
            self._later(np.dot, shifted.rows.T, dy.rows, gradient)
            self._scratch.release(shifted)
            if factor:  # <dy, (x + b) W> is the inner product of W and its gradient at a = 1
                self._later(np.dot, weight.reshape(-1), gradient.reshape(-1), factor[1])
                self._later(np.multiply, gradient, factor[0], gradient)
                dy = self._multiplied(dy, factor[0])
            dx = self._scratch.like(x)
            self._later(np.dot, dy.rows, weight.T, dx.rows)
            self._scratch.release(dy)
            if shift:
                self._later(np.dot, dx.flat, self._scratch.constant(1, dx.flat), shift[1])
            return dx

        return y, backward

    def _shifted(self, x: Buffer, shift: tuple[Array, Array] | None, add: Callable[..., None]) -> Buffer:
        """Add the call that forms x + b in a scratch buffer, to either list of calls."""
        if shift is None:
            return x
        shifted = self._scratch.like(x)
        add(np.add, x.flat, shift[0], shifted.flat)
        return shifted

    def _scalar_bias(self, layer: ScalarBias, x: Buffer) -> tuple[Buffer, Backward]:
        value, gradient = (one.reshape(()) for one in self._pair(layer.name))
        y = place(x)
        self._now(np.add, x.flat, value, y.flat)

        def backward(dy: Buffer) -> Buffer:
            self._later(np.dot, dy.flat, self._scratch.constant(1, dy.flat), gradient)
            return dy

        return y, backward

    def _scalar_multiplier(self, layer: ScalarMultiplier, x: Buffer) -> tuple[Buffer, Backward]:
        x.kept = True
        value, gradient = (one.reshape(()) for one in self._pair(layer.name))
        y = place(x)
        self._now(np.multiply, x.flat, value, y.flat)

        def backward(dy: Buffer) -> Buffer:
            self._later(np.dot, x.flat, dy.flat, gradient)
            return self._multiplied(dy, value)

        return y, backward

    def _scale(self, layer: Scale, x: Buffer) -> tuple[Buffer, Backward]:
        factor = np.asarray(layer.factor, x.array.dtype)
        y = place(x)
        self._now(np.multiply, x.flat, factor, y.flat)
        return y, lambda dy: self._multiplied(dy, factor)

    def _relu(self, layer: LeakyReLU, x: Buffer) -> tuple[Buffer, Backward]:
        if layer.slope:
            return self._other(layer, x)
        y = place(x)
        self._now(np.maximum, x.flat, self._scratch.constant(0, x.flat), out=y.flat)
        y.kept = True

        def backward(dy: Buffer) -> Buffer:
            slopes = self._scratch.like(dy)
            self._later(np.sign, y.flat, slopes.flat)  # 0 or 1, as no output is negative
            dx = self._multiplied(dy, slopes.flat)
            self._scratch.release(slopes)
            return dx

        return y, backward

    def _other(self, layer: Layer, x: Buffer) -> tuple[Buffer, Backward]:
        x.kept = True
        first, *pullbacks = layer.forward(self._parameters, x.array)
        y = Buffer(np.array(first, x.array.dtype, order="C"))

        def forward() -> None:
            y.array[...], pullbacks[0] = layer.forward(self._parameters, x.array)

        self._forward.append(forward)

        def backward(dy: Buffer) -> Buffer:
            dx = self._scratch.like(x)
            self._backward.append(partial(self._pull_back, pullbacks, dy, dx))
            self._scratch.release(dy)
            return dx

        return y, backward

    def _pull_back(self, pullbacks: list[Pullback], dy: Buffer, dx: Buffer) -> None:
        into: Gradients = {}
        dx.array[...] = pullbacks[0](dy.array, into)
        for name, gradient in into.items():
            np.matmul(gradient.x.mT, gradient.dy, out=self._gradients[name])

    def _multiplied(self, dy: Buffer, factor: Array) -> Buffer:
        dx = self._scratch.place(dy)
        self._later(np.multiply, dy.flat, factor, dx.flat)
        return dx

    def _pair(self, name: str) -> tuple[Array, Array]:
        """Return a parameter and its gradient, which only one layer may have."""
        if name in self._named:
            raise ValueError(f"two layers have a parameter named {name!r}; each needs its own name")
        self._named.add(name)
        return self._parameters[name], self._gradients[name]

    def _scalar(self, layer: Scalar | None) -> tuple[Array, Array] | None:
        if layer is None:
            return None
        value, gradient = self._pair(layer.name)
        return value.reshape(()), gradient.reshape(())
