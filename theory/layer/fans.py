"""Fans of layers as they are: E y^2 and E dx^2 over the variance of the weights, from `theory.layer.products`.

Over the weights; exact at every width. Dense layers and blocks of fused ones (`dense`), convolutions with groups and
strides (`convolution`, `transposed_convolution`), kernels of n axes (`kernel`), and position by position at the edges
of an image (`taps`, `transposed_taps`). What frameworks count instead is in `theory.layer.conventions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.layer import products
from theory.layer.products import AXES, CHANNELS, GROUPS, INWARD, OUT, OUTWARD, STRIDE, WINDOW, K


@dataclass(frozen=True)
class Fans:
    """E y^2 over sigma^2 q, forwards, and E dx^2 over sigma^2 q, backwards; positions averaged."""

    forwards: sp.Expr
    backwards: sp.Expr


def dense(fan_in: Value, fan_out: Value) -> Fans:
    """Return the fans of a matrix, or of a block of a fused one, which has its own rows alone."""
    return kernel((fan_in, fan_out), 0, 1)


def convolution(
    channels_in: Value, channels_out: Value, size: Value, *, stride: Value = 1, groups: Value = 1, axes: int = 2
) -> Fans:
    """Return the fans of a convolution, away from edges; depthwise ones have as many groups as channels in.

    Exact for each output; backwards a mean over pixels, unless the stride divides the size. Dilation changes nothing.

    Raises
    ------
    ValueError
        If a number is not a positive integer, or the groups do not divide the channels.
    """
    counts = _counts(channels_in, channels_out, size, stride, groups, axes)
    return _at(counts, products.convolution_forwards(), products.convolution_backwards())


def transposed_convolution(
    channels_in: Value, channels_out: Value, size: Value, *, stride: Value = 1, groups: Value = 1, axes: int = 2
) -> Fans:
    """Return the fans of a transposed convolution, away from edges; forwards a mean over pixels."""
    counts = _counts(channels_in, channels_out, size, stride, groups, axes)
    return _at(counts, products.transposed_forwards(), products.transposed_backwards())


def _at(counts: dict[sp.Symbol, sp.Expr], forwards: Derivation, backwards: Derivation) -> Fans:
    def put(fan: sp.Expr) -> sp.Expr:
        return fan.subs({symbol: counts[symbol] for symbol in fan.free_symbols & counts.keys()}, simultaneous=True)

    return Fans(put(forwards.result), put(backwards.result))


def _counts(
    channels_in: Value, channels_out: Value, size: Value, stride: Value, groups: Value, axes: int
) -> dict[sp.Symbol, sp.Expr]:
    given = {CHANNELS: channels_in, OUT: channels_out, K: size, STRIDE: stride, GROUPS: groups, AXES: axes}
    names = ("channels_in", "channels_out", "size", "stride", "groups", "axes")
    counts = {symbol: positive_integer(name, value) for name, (symbol, value) in zip(names, given.items(), strict=True)}
    for name, channels in (("channels_in", counts[CHANNELS]), ("channels_out", counts[OUT])):
        if (channels / counts[GROUPS]).is_integer is False:
            raise ValueError(f"{name} is {channels}; expected a multiple of the groups, {groups}")
    return counts


Axes = int | Sequence[int]


def kernel(shape: Sequence[Value], in_axes: Axes, out_axes: Axes, batch_axes: Axes = ()) -> Fans:
    """Return the fans of a kernel of n axes; those in none of the three lists are a window, as of a convolution.

    Raises
    ------
    ValueError
        If the shape has an entry that is no positive integer, or an axis does not exist or is listed twice.
    """
    sizes = [positive_integer(f"axis {axis} of the shape", size) for axis, size in enumerate(shape)]
    listed = [(axes,) if isinstance(axes, int) else tuple(axes) for axes in (in_axes, out_axes, batch_axes)]
    flat = [axis for axes in listed for axis in axes]
    if not all(-len(sizes) <= axis < len(sizes) for axis in flat) or len({a % len(sizes) for a in flat}) < len(flat):
        raise ValueError(f"axes are in {in_axes}, out {out_axes}, batch {batch_axes}; expected each of "
                         f"{len(sizes)} axes at most once")  # fmt: skip
    inward, outward, _ = (sp.prod(sizes[axis] for axis in axes) for axes in listed)
    window = sp.prod(size for axis, size in enumerate(sizes) if axis not in {a % len(sizes) for a in flat})
    counts = {INWARD: inward, OUTWARD: outward, WINDOW: window}
    return _at(counts, products.kernel_forwards(), products.kernel_backwards())


def taps(length: int, size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> tuple[int, ...]:
    """Return, for each position of a convolution's output along one axis, how many taps lie in the image.

    E y^2 is sigma^2 q C/g times the product over the axes; exact at every position. `transposed_taps` has those of the
    adjoint.
    """
    reach = _starts(length, size, stride, padding, dilation)
    return tuple(sum(0 <= start + dilation * tap < length for tap in range(size)) for start in reach)


def transposed_taps(length: int, size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> tuple[int, ...]:
    """Return, for each pixel that a convolution reads along one axis of `length`, how many windows it lies in.

    These are the products that meet in each pixel of a transposed convolution's output of that length, and in the
    cotangent of a convolution's input.
    """
    starts = _starts(length, size, stride, padding, dilation)
    counts = [0] * length
    for start, tap in product(starts, range(size)):
        if 0 <= start + dilation * tap < length:
            counts[start + dilation * tap] += 1
    return tuple(counts)


def _starts(length: int, size: int, stride: int, padding: int, dilation: int) -> range:
    for name, value, least in (("length", length, 1), ("size", size, 1), ("stride", stride, 1), ("padding", padding, 0),
                               ("dilation", dilation, 1)):  # fmt: skip
        positive_integer(name, value, least)
    last = length + padding - dilation * (size - 1) - 1
    if last < -padding:
        raise ValueError(f"a window of {size} with dilation {dilation} does not fit {length} pixels, padding {padding}")
    return range(-padding, last + 1, stride)
