"""The calls of each kind of layer, written to a `Tape`: one function a kind, and `TRACES` which of them is whose.

A function adds the calls of the way forward, and returns where the output is and a function that adds those of the way
back once the cotangent of the output has its place.

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
from simulations.layers.network import Network, Residual, Sequential, learnt
from simulations.layers.scalars import ScalarBias, ScalarMultiplier
from simulations.layers.scaling import Scale
from simulations.training.buffers import Buffer, place
from simulations.training.tape import Tape
from simulations.weights.kinds import write

Backward = Callable[[Buffer], Buffer]
"""Adds the calls of the way back, given where the cotangent of the output will be; returns where the input's will."""


def trace(tape: Tape, layer: Layer | Affine, x: Buffer) -> tuple[Buffer, Backward]:
    """Add a layer's calls, by the function for its kind."""
    return TRACES.get(type(layer), _other)(tape, layer, x)


def _sequential(tape: Tape, layer: Sequential, x: Buffer) -> tuple[Buffer, Backward]:
    parts: list[Backward] = []
    for part in grouped(layer.layers):
        x, backward = trace(tape, part, x)
        parts.append(backward)

    def way_back(dy: Buffer) -> Buffer:
        for backward in reversed(parts):
            dy = backward(dy)
        return dy

    return x, way_back


def _residual(tape: Tape, layer: Residual, x: Buffer) -> tuple[Buffer, Backward]:
    x.kept = True
    branch, through_branch = trace(tape, layer.branch, x)
    shortcut, through_shortcut = trace(tape, layer.shortcut, x)
    y = place(branch, shortcut)
    tape.now(np.add, shortcut.flat, branch.flat, y.flat)

    def backward(dy: Buffer) -> Buffer:
        kept, dy.kept = dy.kept, True
        first = through_branch(dy)
        second = through_shortcut(dy)
        dy.kept = kept
        dx = tape.scratch.place(second, first)
        tape.later(np.add, second.flat, first.flat, dx.flat)
        for spent in {id(one): one for one in (dy, first, second) if one is not dx}.values():
            tape.scratch.release(spent)
        return dx

    return y, backward


def _dense(tape: Tape, layer: Dense, x: Buffer) -> tuple[Buffer, Backward]:
    return _affine(tape, Affine(layer), x)


def _affine(tape: Tape, group: Affine, x: Buffer) -> tuple[Buffer, Backward]:
    """Trace ``a ((x + b) W)``; x + b is formed again on the way back and the product is not kept."""
    layer = group.dense
    if x.array.ndim != 3 or x.array.shape[-1] != layer.fan_in:
        raise ValueError(
            f"layer {layer.name!r} expects rows of {layer.fan_in} features, got a batch of {x.array.shape[1:]}"
        )
    x.kept = True
    weight, gradient = (one[0] for one in tape.pair(layer.weight))
    shift = tape.scalar(group.shift) if group.shift else None
    factor = tape.scalar(group.factor) if group.factor else None
    bias = None if layer.bias_deviation is None else tape.pair(layer.bias)
    y = Buffer(np.empty((*x.array.shape[:-1], layer.fan_out), x.array.dtype))

    def shifted(add: Callable[..., None]) -> Buffer:
        """Add the call that forms x + b in a scratch buffer, to either list."""
        if shift is None:
            return x
        moved = tape.scratch.like(x)
        add(np.add, x.flat, shift[0], moved.flat)
        return moved

    rows = shifted(tape.now)
    tape.now(np.dot, rows.rows, weight, y.rows)
    tape.scratch.release(rows)
    if factor:
        tape.now(np.multiply, y.flat, factor[0], y.flat)
    if bias:
        tape.now(np.add, y.rows, bias[0][0], y.rows)

    def backward(dy: Buffer) -> Buffer:
        if bias:
            tape.later(np.add.reduce, dy.rows, axis=0, keepdims=True, out=bias[1][0])
        rows = shifted(tape.later)
        tape.later(np.dot, rows.rows.T, dy.rows, gradient)
        tape.scratch.release(rows)
        if factor:  # <dy, (x + b) W> is the inner product of W and its gradient at a = 1
            tape.later(np.dot, weight.reshape(-1), gradient.reshape(-1), factor[1])
            tape.later(np.multiply, gradient, factor[0], gradient)
            dy = tape.multiplied_later(dy, factor[0])
        dx = tape.scratch.like(x)
        tape.later(np.dot, dy.rows, weight.T, dx.rows)
        tape.scratch.release(dy)
        if shift:
            tape.later(np.dot, dx.flat, tape.scratch.constant(1, dx.flat), shift[1])
        return dx

    return y, backward


def _scalar_bias(tape: Tape, layer: ScalarBias, x: Buffer) -> tuple[Buffer, Backward]:
    value, gradient = tape.scalar(layer)
    y = place(x)
    tape.now(np.add, x.flat, value, y.flat)

    def backward(dy: Buffer) -> Buffer:
        tape.later(np.dot, dy.flat, tape.scratch.constant(1, dy.flat), gradient)
        return dy

    return y, backward


def _scalar_multiplier(tape: Tape, layer: ScalarMultiplier, x: Buffer) -> tuple[Buffer, Backward]:
    x.kept = True
    value, gradient = tape.scalar(layer)
    y = place(x)
    tape.now(np.multiply, x.flat, value, y.flat)

    def backward(dy: Buffer) -> Buffer:
        tape.later(np.dot, x.flat, dy.flat, gradient)
        return tape.multiplied_later(dy, value)

    return y, backward


def _scale(tape: Tape, layer: Scale, x: Buffer) -> tuple[Buffer, Backward]:
    factor = np.asarray(layer.factor, x.array.dtype)
    y = place(x)
    tape.now(np.multiply, x.flat, factor, y.flat)
    return y, lambda dy: tape.multiplied_later(dy, factor)


def _relu(tape: Tape, layer: LeakyReLU, x: Buffer) -> tuple[Buffer, Backward]:
    if layer.slope:
        return _other(tape, layer, x)
    y = place(x)
    tape.now(np.maximum, x.flat, tape.scratch.constant(0, x.flat), out=y.flat)
    y.kept = True

    def backward(dy: Buffer) -> Buffer:
        slopes = tape.scratch.like(dy)
        tape.later(np.sign, y.flat, slopes.flat)  # 0 or 1, as no output is negative
        dx = tape.multiplied_later(dy, slopes.flat)
        tape.scratch.release(slopes)
        return dx

    return y, backward


def _other(tape: Tape, layer: Layer, x: Buffer) -> tuple[Buffer, Backward]:
    """Run a layer of any other kind as it is."""
    for name in learnt(layer):
        tape.pair(name)  # which refuses a name that another layer has
    x.kept = True
    first, *pullbacks = layer.forward(tape.parameters, x.array)
    y = Buffer(np.array(first, x.array.dtype, order="C"))

    def forward() -> None:
        y.array[...], pullbacks[0] = layer.forward(tape.parameters, x.array)

    tape.forward.append(forward)

    def backward(dy: Buffer) -> Buffer:
        dx = tape.scratch.like(x)
        tape.backward.append(partial(_pull_back, tape.gradients, pullbacks, dy, dx))
        tape.scratch.release(dy)
        return dx

    return y, backward


def _pull_back(gradients: Parameters, pullbacks: list[Pullback], dy: Buffer, dx: Buffer) -> None:
    into: Gradients = {}
    dx.array[...] = pullbacks[0](dy.array, into)
    for name, gradient in into.items():
        write(gradient, gradients[name])


TRACES: dict[type, Callable[[Tape, Any, Buffer], tuple[Buffer, Backward]]] = {
    Network: _sequential,
    Sequential: _sequential,
    Residual: _residual,
    Affine: _affine,
    Dense: _dense,
    ScalarBias: _scalar_bias,
    ScalarMultiplier: _scalar_multiplier,
    Scale: _scale,
    LeakyReLU: _relu,
}
"""The function for each kind of layer; `_other` for all that are not here."""
