"""Layers of images without weights: pooling, channels of zeros, and branches side by side.

Images are (draws, batch, channels, height, width). All are positively homogeneous of degree 1 in their input.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulations.layers.convolution import check_image, corner, empty_image, padded, sliding_windows
from simulations.layers.dense import Dense, Gradients, Layer, Parameterless, Pullback
from simulations.layers.network import learnt
from simulations.numbers.arrays import Array
from simulations.weights.kinds import AnyParameters, KindOf, W


class _Linear(Parameterless):
    """What layers that keep a degree have in common."""

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Keep the degree: the layer is positively homogeneous of degree 1."""
        return incoming


def _check_window(place: str, size: int | None, stride: int | None) -> None:
    for label, number in (("size", size), ("stride", stride)):
        if number is not None and number < 1:
            raise ValueError(f"{label} of {place} must be at least 1, got {number}")


@dataclass(frozen=True)
class MaxPool(_Linear):
    """The largest entry of each window, the first of several; windows that reach beyond the padding are left out.

    Attributes
    ----------
    size : int
        Side of the square window.
    stride : int, optional
        Its step; `size` if not given.
    padding : int
        Rows and columns on each side of the image that are never the largest.
    """

    size: int
    stride: int | None = None
    padding: int = 0

    def __post_init__(self) -> None:
        _check_window("MaxPool", self.size, self.stride)
        if not 0 <= self.padding <= self.size // 2:
            raise ValueError(
                f"padding of MaxPool must be from 0 to half its size, {self.size // 2}, got {self.padding}; a window "
                f"may else have no pixel"
            )

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Return the maxima; NaN in a window gives NaN. A cotangent passes back to the entry that was taken."""
        check_image(x, "MaxPool")
        stride, padding = self.stride or self.size, self.padding
        image = padded(x, padding, -np.inf) if padding else x
        windows = sliding_windows(image, self.size, stride, "MaxPool")
        positions = windows.shape[3:5]
        offsets = list(np.ndindex(self.size, self.size))
        y = windows[..., 0, 0].copy(order="K")
        taken = np.zeros_like(y, dtype=np.min_scalar_type(len(offsets)))
        for number, (row, column) in enumerate(offsets[1:], start=1):
            entries = windows[..., row, column]
            larger = (entries > y) | np.isnan(entries)
            np.copyto(y, entries, where=larger)
            np.copyto(taken, number, where=larger)

        def pullback(dy: Array, into: Gradients | None) -> Array:
            dx = np.zeros_like(image, dtype=dy.dtype)
            for number, (row, column) in enumerate(offsets):
                corner(dx, row, column, stride, positions)[...] += dy * (taken == number)
            return dx[..., padding : padding + x.shape[3], padding : padding + x.shape[4]]

        return y, pullback


@dataclass(frozen=True)
class AveragePool(_Linear):
    """The mean of each window; windows that reach beyond the image are left out.

    With a size of 1 and a stride of 2 it takes every other row and column: plain subsampling.

    Attributes
    ----------
    size : int, optional
        Side of the square window; if not given, the window is the image and one pixel is left.
    stride : int, optional
        Its step; `size` if not given.
    """

    size: int | None = None
    stride: int | None = None

    def __post_init__(self) -> None:
        _check_window("AveragePool", self.size, self.stride)
        if self.size is None and self.stride is not None:
            raise ValueError(f"AveragePool over the whole image has no stride, got {self.stride}; give a size too")

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Return the means; a cotangent is shared out evenly."""
        check_image(x, "AveragePool")
        if self.size is None:
            pixels = x.shape[3] * x.shape[4]
            return x.mean(axis=(3, 4), keepdims=True), lambda dy, into: np.broadcast_to(dy / pixels, x.shape)
        size, stride = self.size, self.stride or self.size
        windows = sliding_windows(x, size, stride, "AveragePool")
        positions = windows.shape[3:5]
        y = windows[..., 0, 0].copy(order="K")
        for row, column in list(np.ndindex(size, size))[1:]:
            y += windows[..., row, column]
        y /= size**2

        def pullback(dy: Array, into: Gradients | None) -> Array:
            dx, share = np.zeros_like(x, dtype=dy.dtype), dy / size**2
            for row, column in np.ndindex(size, size):
                corner(dx, row, column, stride, positions)[...] += share
            return dx

        return y, pullback


@dataclass(frozen=True)
class PadChannels(_Linear):
    """Images with `channels` more channels, all zero, behind their own."""

    channels: int

    def __post_init__(self) -> None:
        if self.channels < 0:
            raise ValueError(f"PadChannels adds channels, got {self.channels}; expected 0 or more")

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Append the zeros; their cotangent is dropped."""
        check_image(x, "PadChannels")
        own = x.shape[2]
        y = empty_image((*x.shape[:2], own + self.channels, *x.shape[3:]), x.dtype)
        y[:, :, :own], y[:, :, own:] = x, 0
        return y, lambda dy, into: dy[:, :, :own]


@dataclass(frozen=True)
class Concatenate:
    """Branches that start from the same input, their outputs side by side as channels (or features)."""

    branches: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not self.branches:
            raise ValueError("Concatenate needs at least one branch, got none")

    def draw(self, rng: np.random.Generator, draws: int, kind: KindOf[W] | None = None) -> dict[str, Array | W]:
        """Draw the parameters of all branches."""
        return {name: value for branch in self.branches for name, value in branch.draw(rng, draws, kind).items()}

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Join the outputs along the third axis; the branches' cotangents of the input add up.

        Raises
        ------
        ValueError
            If the outputs differ in more than channels.
        """
        outputs, pullbacks = zip(*(branch.forward(parameters, x) for branch in self.branches), strict=True)
        if len({(*y.shape[:2], *y.shape[3:]) for y in outputs}) > 1:
            shapes = ", ".join(str(y.shape) for y in outputs)
            raise ValueError(f"branches of Concatenate may differ in channels only, got outputs of shapes {shapes}")
        ends = np.cumsum([y.shape[2] for y in outputs])[:-1]

        def pullback(dy: Array, into: Gradients | None) -> Array:
            parts = zip(pullbacks, np.split(dy, ends, axis=2), strict=True)
            dx: Array = sum((through(part, into) for through, part in parts), start=np.zeros_like(x))
            return dx

        return np.concatenate(outputs, axis=2), pullback

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Keep the degree on which all branches agree."""
        degrees = {branch.degree(incoming, scaled) for branch in self.branches}
        return degrees.pop() if len(degrees) == 1 else None

    def weights(self) -> Iterator[Dense]:
        """Yield the dense layers of the branches, in order."""
        for branch in self.branches:
            yield from branch.weights()

    def learnt(self) -> Iterator[str]:
        """Yield the names of the branches' parameters, in order."""
        for branch in self.branches:
            yield from learnt(branch)
