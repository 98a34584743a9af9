"""How kernels of JAX's layers lie, outputs last, and the fans that follow; what `audit.fans` says of PyTorch's."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from audit.fans import Part, Reading, convolution, dense, lookup
from audit.measured import Measured

__all__ = ["Layout", "note"]

KERNELS = ("kernel", "embedding", "embeddings")
"""What kernels and tables are called."""


@dataclass(frozen=True)
class Layout:
    """How a layer's kernel, or its table, lies."""

    kind: Literal["dense", "convolution", "depthwise", "lookup"]
    inputs: int = 1
    """Axes of a dense kernel that are summed over, which come first."""
    groups: int = 1
    by_shape: bool = False
    """Whether the framework counts fans of kernels of three axes or more as those of a convolution, as Keras does."""


def note(parameters: Mapping[str, np.ndarray], layouts: Mapping[str, Layout], found: Measured, *, first: bool) -> None:
    """Note parameters: their parts when first seen, and their entries; `layouts` are those of layers by name."""
    for name, value in parameters.items():
        owner, _, last = name.rpartition(".")
        layout = layouts.get(owner) if last in KERNELS else None
        array = _outputs_first(layout, np.asarray(value, dtype=np.float32))
        if first:
            found.sizes[name] = array.size
            found.parts += _parts(name, layout, array, value.shape)
        found.keep(name, array)


def _outputs_first(layout: Layout | None, array: np.ndarray) -> np.ndarray:
    """Return a kernel with its outputs on the first axis, as `audit.fans` counts, and anything else as it is."""
    if layout is None or layout.kind == "lookup":
        return array
    if layout.kind == "depthwise":  # (places ..., channels, kernels of a channel)
        array = array.reshape(*array.shape[:-2], 1, -1)
    if layout.kind in ("convolution", "depthwise"):
        return np.moveaxis(array, (-1, -2), (0, 1))
    return array.reshape(math.prod(array.shape[: layout.inputs]), -1).T


def _parts(name: str, layout: Layout | None, array: np.ndarray, shape: tuple[int, ...]) -> Iterator[Part]:
    owner, _, last = name.rpartition(".")
    if layout is None:
        rows = (0, array.shape[0] if array.ndim else 1)
        yield Part(name, name, "bias" if "bias" in last else "other", math.nan, 1 if "bias" in last else math.nan, rows)
    elif layout.kind == "convolution":
        yield convolution(name, array.shape, layout.groups)
    elif layout.kind == "depthwise":
        yield convolution(name, array.shape, shape[-2])
    elif layout.kind == "lookup":
        yield lookup(name, array.shape)
    elif layout.by_shape and len(shape) > 2:
        yield from (replace(one, readings=(*one.readings, _counted(shape))) for one in dense(name, array.shape, owner))
    else:
        yield from dense(name, array.shape, owner)


def _counted(shape: tuple[int, ...]) -> Reading:
    """Return the fans of a kernel whose axes before the last two are taken for places."""
    places = math.prod(shape[:-2])
    return Reading(f"fans as Keras counts them in {shape}", places * shape[-2], places * shape[-1])
