"""Convolutions: a dense layer applied to every patch of an image.

Images are (draws, batch, channels, height, width). The patches of an image are laid out as rows (im2col), one for each
position of the window, so that a convolution is one matrix product a draw, its weights may be of any kind
(``simulations/weights/kinds.py``), and its gradient is a sum of outer products over batch and positions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from simulations.layers.dense import Dense, Gradients, Parameterless, Pullback
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import Initialiser, Variance, he
from simulations.weights.kinds import AnyParameters, KindOf, W


@dataclass(frozen=True)
class Convolution:
    """A convolution (as in deep learning: a correlation) with square windows, zero padding and a bias a channel.

    Attributes
    ----------
    size, stride, padding : int
        Side of the window, its step, and the rows and columns of zeros on each side of the image.
    init : Initialiser
        It is told the fans of a convolution, fan_in = size^2 channels_in and fan_out = size^2 channels_out: the number
        of products in an output, and (away from the edges, at stride 1) of outputs that an input enters.
    bias_deviation : float, optional
        Standard deviation of the biases; None for no biases.
    """

    name: str
    channels_in: int
    channels_out: int
    size: int
    stride: int = 1
    padding: int = 0
    init: Initialiser = he
    bias_deviation: float | None = None

    def __post_init__(self) -> None:
        for label in ("channels_in", "channels_out", "size", "stride"):
            if (number := getattr(self, label)) < 1:
                raise ValueError(f"{label} of convolution {self.name!r} must be at least 1, got {number}")
        if self.padding < 0:
            raise ValueError(f"padding of convolution {self.name!r} must not be negative, got {self.padding}")

    @property
    def weight(self) -> str:
        """The name of the weights, (draws, size * size * channels_in, channels_out), in the order of `patches`."""
        return self.dense.weight

    @property
    def bias(self) -> str:
        """The name of the biases, (draws, 1, channels_out)."""
        return self.dense.bias

    @property
    def dense(self) -> Dense:
        """The layer that each patch passes through; it is as wide as channels_out, but its initialiser sees fan_out."""
        init = replace(self.init, variance=partial(_with_window, self.init.variance, self.size**2))
        fan_in = self.size**2 * self.channels_in
        return Dense(self.name, fan_in, self.channels_out, init, self.bias_deviation)

    def draw(self, rng: np.random.Generator, draws: int, kind: KindOf[W] | None = None) -> dict[str, Array | W]:
        """Draw the weights, and the biases if there are any."""
        return self.dense.draw(rng, draws, kind)

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Return the images (draws, batch, channels_out, height', width'), one pixel a position of the window."""
        check_image(x, f"convolution {self.name!r}", self.channels_in)
        windows = sliding_windows(padded(x, self.padding), self.size, self.stride, f"convolution {self.name!r}")
        draws, batch, _, height, width = windows.shape[:5]
        rows, through = self.dense.forward(parameters, patches(windows))

        def pullback(dy: Array, into: Gradients | None) -> Array:
            cotangents = through(np.moveaxis(dy, 2, -1).reshape(draws, batch * height * width, -1), into)
            return self._gathered(cotangents, x.shape, (height, width))

        return np.moveaxis(rows.reshape(draws, batch, height, width, -1), -1, 2), pullback

    def _gathered(self, cotangents: Array, shape: tuple[int, ...], positions: tuple[int, int]) -> Array:
        """Add up the cotangents of all patches where they overlap: the transpose of padding and `patches`."""
        windows = cotangents.reshape(*shape[:2], *positions, self.size, self.size, self.channels_in)
        side = 2 * self.padding
        image = empty_image((*shape[:3], shape[3] + side, shape[4] + side), cotangents.dtype)
        image[...] = 0
        for row, column in np.ndindex(self.size, self.size):
            corner(image, row, column, self.stride, positions)[...] += np.moveaxis(windows[..., row, column, :], -1, 2)
        return image[..., self.padding : self.padding + shape[3], self.padding : self.padding + shape[4]]

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Follow the rule of a dense layer: one more for scaled weights; a bias must have the same degree."""
        return self.dense.degree(incoming, scaled)

    def weights(self) -> Iterator[Dense]:
        """Yield the dense layer of the patches."""
        yield self.dense

    def learnt(self) -> Iterator[str]:
        """Yield the names of weights and biases."""
        yield from (self.weight,) if self.bias_deviation is None else (self.weight, self.bias)


def _with_window(variance: Variance, positions: int, fan_in: int, channels_out: int) -> float:
    return variance(fan_in, positions * channels_out)


@dataclass(frozen=True)
class Flatten(Parameterless):
    """Images as features: (draws, batch, channels * height * width), a channel after the other."""

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Reshape, and reshape cotangents back."""
        check_image(x, "Flatten")
        return x.reshape(*x.shape[:2], -1), lambda dy, into: dy.reshape(x.shape)

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Keep the degree."""
        return incoming


def check_image(x: Array, place: str, channels: int | None = None) -> None:
    """Refuse arrays that are not images, have no pixels, or another number of channels.

    Raises
    ------
    ValueError
        With what was expected.
    """
    if x.ndim != 5 or not x.size:
        raise ValueError(f"{place} expects images (draws, batch, channels, height, width), got shape {x.shape}")
    if channels is not None and x.shape[2] != channels:
        raise ValueError(f"{place} expects {channels} channels, got {x.shape[2]} in images of shape {x.shape}")


def empty_image(shape: tuple[int, ...], dtype: np.dtype) -> Array:
    """Return an image whose channels lie next to each other in memory, which makes patches and their sums cheap."""
    return np.moveaxis(np.empty((*shape[:2], *shape[3:], shape[2]), dtype), -1, 2)


def padded(x: Array, padding: int, value: float = 0) -> Array:
    """Surround images by `padding` rows and columns of zeros, or of another value."""
    draws, batch, channels, height, width = x.shape
    image = empty_image((draws, batch, channels, height + 2 * padding, width + 2 * padding), x.dtype)
    image[...] = value
    image[..., padding : padding + height, padding : padding + width] = x
    return image


def sliding_windows(x: Array, size: int, stride: int, place: str) -> Array:
    """View all windows of images: (draws, batch, channels, height', width', size, size), nothing copied.

    Raises
    ------
    ValueError
        If the window is larger than the image.
    """
    if size > min(x.shape[3:]):
        side = f"{x.shape[3]} by {x.shape[4]}"
        raise ValueError(f"{place} has a window of {size} by {size}, larger than the image with its padding, {side}")
    windows = sliding_window_view(x, (size, size), axis=(3, 4))
    strided: Array = windows[:, :, :, ::stride, ::stride]
    return strided


def patches(windows: Array) -> Array:
    """Copy windows as rows, (draws, batch * height' * width', size * size * channels), the channel running fastest."""
    draws, batch, channels, height, width, size, _ = windows.shape
    rows = windows.transpose(0, 1, 3, 4, 5, 6, 2)
    return rows.reshape(draws, batch * height * width, size * size * channels)


def corner(x: Array, row: int, column: int, stride: int, positions: tuple[int, int]) -> Array:
    """View the pixel (row, column) of every window: (draws, batch, channels, height', width')."""
    height, width = positions
    rows, columns = (
        slice(start, start + stride * (n - 1) + 1, stride) for start, n in ((row, height), (column, width))
    )
    return x[..., rows, columns]
