"""Convolutions with groups and dilation, and their adjoints, transposed convolutions.

Images are (draws, batch, channels, height, width), as in ``convolution.py``. Channels are cut into groups, and each
group has weights of its own: one matrix for the patches of its channels. A transposed convolution adds those patches up
where a convolution would read them. Depthwise convolutions have as many groups as channels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulations.layers.convolution import check_image, corner, padded, sliding_windows
from simulations.layers.dense import Dense, Gradients, Pullback
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import Initialiser, he
from simulations.weights.kinds import AnyParameters, KindOf, W, Whole, collect, entries_of


@dataclass(frozen=True)
class _Grouped:
    """What both have: square windows, zero padding, no biases.

    Attributes
    ----------
    dilation : int
        The distance between neighbouring taps of the window.
    init : Initialiser
        It is told size^2 channels_in / groups and size^2 channels_out / groups, whatever the stride.
    """

    name: str
    channels_in: int
    channels_out: int
    size: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1
    init: Initialiser = he

    def __post_init__(self) -> None:
        for label in ("channels_in", "channels_out", "size", "stride", "dilation", "groups"):
            if (number := getattr(self, label)) < 1:
                raise ValueError(f"{label} of convolution {self.name!r} must be at least 1, got {number}")
        if self.padding < 0:
            raise ValueError(f"padding of convolution {self.name!r} must not be negative, got {self.padding}")
        if self.channels_in % self.groups or self.channels_out % self.groups:
            raise ValueError(
                f"convolution {self.name!r} has {self.groups} groups, which must divide its "
                f"{self.channels_in} channels in and its {self.channels_out} channels out"
            )

    @property
    def weight(self) -> str:
        """The name of the weights, (draws, groups, rows, columns)."""
        return f"{self.name}.weight"

    @property
    def reach(self) -> int:
        """How many pixels of one axis a window covers, with those between its taps."""
        return self.dilation * (self.size - 1) + 1

    def _drawn(self, rng: np.random.Generator, draws: int, rows: int, columns: int) -> Array:
        window = self.size**2
        deviation = self.init.deviation(window * self.channels_in // self.groups,
                                        window * self.channels_out // self.groups)  # fmt: skip
        return deviation * self.init.law(rng, (draws, self.groups, rows, columns))

    def _gather(self, x: Array) -> Array:
        """Copy the patches of an image: (draws, groups, batch, height', width', size * size * channels of a group)."""
        windows = sliding_windows(padded(x, self.padding), self.reach, self.stride, f"convolution {self.name!r}")
        taps = windows[..., :: self.dilation, :: self.dilation]
        draws, batch, channels, height, width = taps.shape[:5]
        cut = taps.reshape(draws, batch, self.groups, channels // self.groups, height, width, self.size, self.size)
        return cut.transpose(0, 2, 1, 4, 5, 6, 7, 3).reshape(draws, self.groups, batch, height, width, -1)

    def _scatter(self, rows: Array, height: int, width: int) -> Array:
        """Add patches up where they overlap, in an image of that size: the transpose of `_gather`."""
        draws, groups, batch, *positions, _ = rows.shape
        cut = rows.reshape(draws, groups, batch, *positions, self.size, self.size, -1)
        side = 2 * self.padding
        image = np.zeros((draws, groups, batch, cut.shape[-1], height + side, width + side), rows.dtype)
        for row, column in np.ndindex(self.size, self.size):
            at = corner(image, self.dilation * row, self.dilation * column, self.stride, (positions[0], positions[1]))
            at += np.moveaxis(cut[..., row, column, :], -1, 3)
        inside = image[..., self.padding : self.padding + height, self.padding : self.padding + width]
        return np.moveaxis(inside, 1, 2).reshape(draws, batch, -1, height, width)

    def _rows(self, x: Array) -> Array:
        """Lay pixels out as rows: (draws, groups, batch, height, width, channels of a group)."""
        draws, batch, channels, height, width = x.shape
        return x.reshape(draws, batch, self.groups, channels // self.groups, height, width).transpose(0, 2, 1, 4, 5, 3)

    def _image(self, rows: Array) -> Array:
        """Lay rows out as pixels: the inverse of `_rows`."""
        draws, groups, batch, height, width, channels = rows.shape
        return rows.transpose(0, 2, 1, 5, 3, 4).reshape(draws, batch, groups * channels, height, width)

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Add one for scaled weights."""
        return None if incoming is None else incoming + (self.weight in scaled)

    def weights(self) -> Iterator[Dense]:
        """Yield nothing: no layer here has one matrix for all of its inputs."""
        return iter(())

    def learnt(self) -> Iterator[str]:
        """Yield the name of the weights."""
        yield self.weight


@dataclass(frozen=True)
class GroupedConvolution(_Grouped):
    """A convolution (as in deep learning: a correlation) with groups; rows of weights are a patch of a group."""

    def draw(self, rng: np.random.Generator, draws: int, kind: KindOf[W] | None = None) -> dict[str, Array | W]:
        """Draw the weights (draws, groups, size * size * channels_in / groups, channels_out / groups), as an array."""
        rows, columns = self.size**2 * self.channels_in // self.groups, self.channels_out // self.groups
        return {self.weight: self._drawn(rng, draws, rows, columns)}

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Return the images (draws, batch, channels_out, height', width')."""
        check_image(x, f"convolution {self.name!r}", self.channels_in)
        weight, rows = entries_of(parameters, self.weight, x), self._gather(x)
        y = np.einsum("dgbhwi,dgio->dgbhwo", rows, weight, optimize=True)

        def pullback(dy: Array, into: Gradients | None) -> Array:
            cotangents = self._rows(dy)
            if into is not None:
                collect(into, self.weight, Whole(np.einsum("dgbhwi,dgbhwo->dgio", rows, cotangents, optimize=True)))
            back = np.einsum("dgbhwo,dgio->dgbhwi", cotangents, weight, optimize=True)
            return self._scatter(back, *x.shape[3:])

        return self._image(y), pullback


@dataclass(frozen=True)
class TransposedConvolution(_Grouped):
    """The adjoint of a convolution from channels_out to channels_in; padding is cut off its output."""

    def draw(self, rng: np.random.Generator, draws: int, kind: KindOf[W] | None = None) -> dict[str, Array | W]:
        """Draw the weights (draws, groups, channels_in / groups, size * size * channels_out / groups), as an array."""
        rows, columns = self.channels_in // self.groups, self.size**2 * self.channels_out // self.groups
        return {self.weight: self._drawn(rng, draws, rows, columns)}

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Return the images (draws, batch, channels_out, height', width') with height' = stride (height - 1) + reach.

        The padding is cut off from that on both sides.

        Raises
        ------
        ValueError
            If `x` are no images of that many channels, or nothing is left of the output.
        """
        check_image(x, f"convolution {self.name!r}", self.channels_in)
        height, width = (self.stride * (side - 1) + self.reach - 2 * self.padding for side in x.shape[3:])
        if min(height, width) < 1:
            raise ValueError(f"convolution {self.name!r} cuts {self.padding} pixels off each side of its output, all")
        weight, rows = entries_of(parameters, self.weight, x), self._rows(x)
        y = self._scatter(np.einsum("dgbhwi,dgio->dgbhwo", rows, weight, optimize=True), height, width)

        def pullback(dy: Array, into: Gradients | None) -> Array:
            cotangents = self._gather(dy)
            if into is not None:
                collect(into, self.weight, Whole(np.einsum("dgbhwi,dgbhwo->dgio", rows, cotangents, optimize=True)))
            return self._image(np.einsum("dgbhwo,dgio->dgbhwi", cotangents, weight, optimize=True))

        return y, pullback
