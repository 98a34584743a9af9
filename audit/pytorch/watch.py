"""Hooks on every module: its input and output, the gradient there, and what a linear layer should put out.

Gradients are read by hooks on tensors, which modules that work in place do not disturb. For a linear layer
E y^2 = variance * op(x^2, weights of 1) at every place, whatever its strides, padding and groups, so the layer itself
says what its input lets one expect. As all weights are 1, so are those of all outputs, and one of them is enough.
"""

from __future__ import annotations

import copy
import math
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch.func import functional_call

from audit.fans import SIDEWAYS
from audit.measured import Measured
from audit.signals import ENDS, RECTIFIERS

LINEAR = (
    torch.nn.Linear,
    *(torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d),
    *(torch.nn.ConvTranspose1d, torch.nn.ConvTranspose2d, torch.nn.ConvTranspose3d),
)
PRODUCTS = 1 << 28
"""How many multiplications a better bound on the variance may cost, for each layer and seed."""
PIECE = 1 << 17
"""Numbers that are added up at a time."""
TRUSTED = (1e-30, 1e30)
"""Mean squares that single precision can hold without losing parts of their sums."""
Moments = tuple[float, float, float, float]
Remembered = dict[int, tuple["weakref.ref[torch.Tensor]", int, Moments]]
"""Moments of tensors that are still there, with their versions: what a module puts out is what the next one takes."""


def watch(name: str, module: Any, found: Measured, seed: int, remembered: Remembered) -> Iterator[Any]:
    """Yield hooks on a module's first call: on input and output, the gradient there, and what should be put out."""
    seen = found.module(name, type(module).__name__, sum(one.numel() for one in module.parameters()))
    busy, version = False, -1

    def before(_: Any, arguments: tuple[Any, ...]) -> None:
        nonlocal version
        version = next((one._version for one in leaves(arguments)), -1)
        if not busy:
            seen.note("input", seed, _moments(arguments, remembered))

    def after(module: Any, arguments: tuple[Any, ...], output: Any) -> None:
        nonlocal busy
        found.called += 1
        if busy or not seen.first(seed, found.called):
            return
        put_out = _moments(output, remembered)
        seen.note("output", seed, put_out)
        for what, share in _shares(type(module).__name__, output):
            seen.remember(what, seed, share)
        if any(module.children()) and (kept := _kept(arguments, output, version)) is not None:
            seen.remember("kept", seed, kept)
        end = next((one for one in leaves(output) if one.is_floating_point()), None)
        if end is not None and end.requires_grad:
            end.register_hook(lambda gradient: seen.note("gradient", seed, _moments(gradient, remembered)))
        known = type(module) in LINEAR or is_sideways(module)
        plain = known and "weight" in module._parameters and len(arguments) == 1
        if plain and torch.is_tensor(arguments[0]) and put_out is not None:
            busy = True
            seen.layer(seed, *_expected(module, arguments[0].detach(), output.detach(), put_out[0]))
            busy = False

    yield module.register_forward_pre_hook(before)
    yield module.register_forward_hook(after)


def _expected(module: Any, x: torch.Tensor, y: torch.Tensor, square: float) -> tuple[float, float, float, int]:
    """Return the mean square of y without bias, what x promises at variance 1, a bound on its variance, and rows.

    `square` is that of y with its bias.
    """
    dense = _is_dense(module)
    rows = y.shape[-1] if dense else module.out_channels // module.groups
    axis = -1 if dense else y.ndim - len(module.kernel_size) - 1
    bias = module._parameters.get("bias")
    if bias is not None and bool(bias.any()):
        sides = [1] * y.ndim
        sides[axis] = -1
        square = mean_square(y - bias.detach().reshape(sides))
    squares = x.square().sum(axis, keepdim=True)
    expected = squares if dense else one_channel(module, squares / module.groups)
    bound = 2 / rows
    if (flat := _seen_by_a_row(module, x, expected.numel())) is not None:
        gram = flat @ flat.T if len(flat) < flat.shape[1] else flat.T @ flat
        bound *= float(gram.square().sum() / flat.square().sum().square().clamp_min(1e-300))
    return square, float(expected.double().mean()), bound, rows


def is_sideways(module: Any) -> bool:
    """Whether it is a dense layer with its matrix as (inputs, outputs)."""
    weight = module._parameters.get("weight")
    return type(module).__name__ == SIDEWAYS and weight is not None and weight.ndim == 2


def _is_dense(module: Any) -> bool:
    return isinstance(module, torch.nn.Linear) or is_sideways(module)


def one_channel(module: Any, squares: torch.Tensor) -> torch.Tensor:
    """Return what a convolution makes of one channel with weights of 1."""
    alone = copy.copy(module)
    alone.in_channels = alone.out_channels = alone.groups = 1
    ones = {"weight": torch.ones_like(module.weight[:1, :1], dtype=squares.dtype)}
    if module._parameters.get("bias") is not None:
        ones["bias"] = torch.zeros_like(module.bias[:1], dtype=squares.dtype)
    with torch.no_grad():
        return functional_call(alone, ones, (squares,))


def _seen_by_a_row(module: Any, x: torch.Tensor, places: int) -> torch.Tensor | None:
    """Return the inputs of a row of weights, one row a place, or None if they are too many or not simply laid out."""
    entries = x.shape[-1] if _is_dense(module) else module.weight[0].numel()
    if places * entries * min(places, entries) > PRODUCTS:
        return None
    if _is_dense(module):
        return x.reshape(-1, x.shape[-1]).double()
    plain = isinstance(module, torch.nn.Conv2d) and module.groups == 1 and module.padding_mode == "zeros"
    if not plain or isinstance(module.padding, str) or x.ndim != 4:
        return None
    patches = torch.nn.functional.unfold(x.double(), module.kernel_size, module.dilation, module.padding, module.stride)
    return patches.movedim(1, -1).reshape(-1, entries)


def _moments(value: Any, remembered: Remembered) -> Moments | None:
    """Return mean square, mean, share of zeros and number of values that are not finite; None of no floating tensor."""
    one = next((one for one in leaves(value) if one.is_floating_point() and one.numel()), None)
    if one is None:
        return None
    known, version = remembered.get(id(one)), one._version
    if known is not None and known[0]() is one and known[1] == version:
        return known[2]
    x = one.detach()
    square, mean, zeros = sums(x)
    bad = 0 if square < float("inf") else int((~torch.isfinite(x)).sum())
    moments = (square, mean, zeros, float(bad))
    remembered[id(one)] = (weakref.ref(one), version, moments)
    return moments


def sums(x: torch.Tensor) -> tuple[float, float, float]:
    """Return mean square, mean and share of zeros, piece by piece, as pieces stay in a core's cache.

    A piece is added up in the tensor's precision, and pieces in double; where single precision has no room for a
    square, all is done in double.
    """
    square = total = zeros = 0.0
    for piece in x.reshape(-1).split(PIECE):
        square += float(torch.dot(piece, piece))
        total += float(piece.sum())
        able = piece if piece.dtype == torch.float64 else piece.float()
        zeros += np.count_nonzero(able.numpy() == 0)  # an eighth of the time of PyTorch's comparison and sum
    count = x.numel()
    if x.dtype != torch.float64 and not TRUSTED[0] < square / count < TRUSTED[1]:
        return sums(x.double())
    return square / count, total / count, zeros / count


def mean_square(x: torch.Tensor) -> float:
    """Return the first of `sums` alone."""
    square = sum(float(torch.dot(piece, piece)) for piece in x.reshape(-1).split(PIECE)) / x.numel()
    enough = x.dtype == torch.float64 or TRUSTED[0] < square < TRUSTED[1]
    return square if enough else mean_square(x.double())


def _kept(arguments: tuple[Any, ...], output: Any, version: int) -> float | None:
    """Return <x, y> / <x, x> of a module whose output y has the shape of its input x, which it has left as it was."""
    x, y = next(leaves(arguments), None), next(leaves(output), None)
    if x is None or y is None or x.shape != y.shape or x._version != version or not x.is_floating_point():
        return None
    inner = own = 0.0
    pieces = (one.detach().reshape(-1).split(PIECE) for one in (x, y))
    for a, b in zip(*pieces, strict=True):
        a, b = a.double(), b.double()
        inner, own = inner + float(torch.dot(a, b)), own + float(torch.dot(a, a))
    return inner / own if own else math.nan


def _shares(kind: str, y: Any) -> Iterator[tuple[str, float]]:
    """Yield shares of an activation: of outputs at an end of their range, and of units that are 0 for all inputs."""
    if kind in ENDS and torch.is_tensor(y):
        low, high = ENDS[kind]
        near = (high - low) / 200
        yield "saturated", float(((y < low + near) | (y > high - near)).double().mean())
    if kind in RECTIFIERS and torch.is_tensor(y) and y.ndim > 1:
        units = y.detach().movedim(1 if y.ndim > 3 else -1, 0).flatten(1)
        yield "dead units", float((units == 0).all(dim=1).double().mean())
        yield "inputs a unit", float(units.shape[1])


def leaves(value: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors of nested outputs."""
    if torch.is_tensor(value):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from leaves(one)
    elif isinstance(value, (tuple, list)):
        for one in value:
            yield from leaves(one)
