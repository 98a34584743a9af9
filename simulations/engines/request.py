"""What a measurement is asked, checked: the network, its inputs, how they are sampled, and what is recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from simulations.data.inputs import Inputs
from simulations.layers.convolution import Convolution
from simulations.layers.dense import Dense, Layer, Parameterless
from simulations.layers.grouped_convolution import GroupedConvolution, TransposedConvolution
from simulations.layers.network import Network, Residual, Sequential
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import rademacher

Cotangent = Callable[[np.random.Generator, tuple[int, ...]], Array]
"""Draws the cotangent at the output, given the output's shape."""
Start = Cotangent | Literal["loss"]
"""Where a cotangent at the output comes from: a law, or the gradient of the loss."""
Extra = Literal["variances", "active", "weight_gradients"]
"""What may be recorded besides squared norms; see `simulations.engines.record.Record`."""


@dataclass(frozen=True)
class Sampling:
    """Which inputs a draw of the weights sees.

    Attributes
    ----------
    batch : int
        Inputs a draw: consecutive rows, beginning at a random one.
    same_input : bool
        Twins, draws 2k and 2k + 1, have the same inputs; with False each draw has its own, and variances are over
        weights and inputs together.

    Raises
    ------
    ValueError
        If the batch is below 1.
    """

    batch: int = 1
    same_input: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.batch, Integral):
            raise ValueError(f"a batch is a whole number of inputs, got batch={self.batch!r}")
        if self.batch < 1:
            raise ValueError(f"a batch needs at least one input, got batch={self.batch}")


ONE_INPUT = Sampling()
"""One input a draw, the same for twins."""


@dataclass(frozen=True)
class Request:
    """What all blocks of draws are asked."""

    network: Network
    inputs: Array
    """(samples, features) or (samples, channels, height, width), at the precision of states and cotangents."""
    targets: Array | None
    """(samples, classes)"""
    backward: Start | None
    """Where the way back starts, if it is taken."""
    extras: frozenset[str]
    sampling: Sampling


def request(
    network: Network,
    inputs: ArrayLike | Inputs,
    *,
    targets: ArrayLike | bool | None,
    backward: Cotangent | bool,
    extras: tuple[Extra, ...],
    sampling: Sampling,
    dtype: type[np.floating],
) -> Request:
    """Read what `measure` was given; its docstring has the parameters.

    Raises
    ------
    TypeError
        If the sampling or the way back is something else.
    ValueError
        If something does not fit; the message says what, and what to do.
    """
    if not isinstance(sampling, Sampling):
        raise TypeError(f"sampling must be Sampling(batch=..., same_input=...), got {type(sampling).__name__}")
    if not (isinstance(backward, bool) or callable(backward)):
        raise TypeError(f"backward must be True, False or a law such as gaussian, got {backward!r}")
    rows = _rows(inputs, dtype)
    _check_first(network, inputs, rows)
    if sampling.batch > len(rows):
        raise ValueError(f"a batch of {sampling.batch} needs as many inputs, got {len(rows)}")
    labels = _targets(inputs, targets, len(rows))
    if isinstance(extras, str) or not set(extras) <= set(get_args(Extra)):
        raise ValueError(f"extras takes a tuple of names out of {', '.join(get_args(Extra))}, got {extras!r}")
    if "weight_gradients" in extras and not backward:
        raise ValueError("weight_gradients needs backward=True")
    if callable(backward) and labels is not None:
        raise ValueError("with targets the cotangent is the gradient of the loss: give backward=True or leave them out")
    start: Start = backward if callable(backward) else "loss" if labels is not None else rademacher
    return Request(network, rows, labels, start if backward else None, frozenset(extras), sampling)


def _rows(inputs: ArrayLike | Inputs, dtype: type[np.floating]) -> Array:
    """Return inputs as an array of this precision: rows as they are, the channels of images before height and width."""
    if dtype not in (np.float64, np.float32):
        raise ValueError(f"the precision is np.float64 or np.float32, got dtype={dtype!r}")
    rows = _array(inputs.x if isinstance(inputs, Inputs) else inputs, "inputs (samples, features)")
    if rows.ndim not in (2, 4) or not len(rows) or (rows.ndim == 4 and not rows.size):
        raise ValueError(
            f"expected at least one row of inputs (samples, features), got an array of shape {rows.shape}; images are "
            f"(samples, height, width, channels), with one channel x[..., None]"
        )
    if (beyond := ~(np.abs(rows) <= np.finfo(dtype).max)).any():
        place = tuple(int(index) for index in np.argwhere(beyond)[0])
        raise ValueError(
            f"inputs must be finite and within the range of {np.dtype(dtype)}, got {rows[place]} at {place}; leave "
            f"such rows out"
        )
    return (np.moveaxis(rows, 3, 1) if rows.ndim == 4 else rows).astype(dtype)


def _array(numbers: ArrayLike, what: str) -> Array:
    """Return real numbers, of any type and in lists or arrays, in double precision."""
    try:
        found = np.asarray(numbers)
    except ValueError:  # rows of different lengths
        raise ValueError(f"expected {what}, got rows of different lengths") from None
    if found.dtype.kind not in "fiub":
        raise ValueError(f"expected real {what}, got {found.dtype}")
    return found.astype(np.float64, copy=False)


def _targets(inputs: ArrayLike | Inputs, targets: ArrayLike | bool | None, samples: int) -> Array | None:
    if targets is None or targets is False:
        return None
    if targets is True:
        if not isinstance(inputs, Inputs):
            raise ValueError("targets=True takes the labels of Inputs; with an array give targets (samples, classes)")
        return inputs.targets
    labels = _array(targets, "targets (samples, classes)")
    if labels.shape == (samples,):
        raise ValueError(
            f"expected targets (samples, classes), got {samples} labels; one_hot(labels, classes) makes them"
        )
    if labels.ndim != 2 or len(labels) != samples:
        raise ValueError(
            f"expected one target an input, got {len(labels) if labels.ndim else 0} targets and {samples} inputs, of "
            f"shape {labels.shape} instead of (samples, classes)"
        )
    return labels


def _check_first(network: Network, inputs: ArrayLike | Inputs, rows: Array) -> None:
    """Refuse inputs that do not fit the first layer, if that is dense or a convolution."""
    match _first(network), rows.ndim:
        case Dense() as first, 2 if first.fan_in != rows.shape[1]:
            advice = f"; take inputs.narrowed({first.fan_in}), or a network of {rows.shape[1]} features"
            raise ValueError(
                f"layer {first.name!r} expects {first.fan_in} features, got {rows.shape[1]} an input"
                f"{advice if isinstance(inputs, Inputs) else ''}"
            )
        case (Convolution() | GroupedConvolution() | TransposedConvolution()) as first, 2:
            raise ValueError(
                f"convolution {first.name!r} expects images (samples, height, width, {first.channels_in}), got rows of "
                f"shape {rows.shape}; reshape them"
            )
        case (Convolution() | GroupedConvolution() | TransposedConvolution()) as first, 4:
            given = rows.shape[0], *rows.shape[2:], rows.shape[1]
            if first.channels_in != given[3]:
                turned = "; turn PyTorch's order by x.transpose(0, 2, 3, 1)" if given[1] == first.channels_in else ""
                raise ValueError(
                    f"convolution {first.name!r} expects images (samples, height, width, {first.channels_in}), got "
                    f"shape {given}{turned}"
                )


def _first(layer: Layer) -> Layer | None:
    """Return the layer that takes the input, unless something stands before it that may change the width."""
    match layer:
        case Residual():
            return _first(layer.branch)
        case Sequential():
            parts = (part for part in layer.layers if part != Sequential(()) and not isinstance(part, Parameterless))
            first = next(parts, None)
            return None if first is None else _first(first)
    return layer
