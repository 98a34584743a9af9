"""Flow charts of networks, drawn from their layers: which layers are on which path, boxes and arrows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from simulations import Dense, LeakyReLU, Residual, Sequential
from simulations.layers.convolution import Convolution
from simulations.layers.dense import Layer
from simulations.layers.normalisation import BatchNorm
from simulations.layers.pooling import AveragePool, MaxPool
from simulations.layers.scalars import ScalarBias, ScalarMultiplier

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINE: dict[str, Any] = {"color": "0.25", "linewidth": 1}


def walk(layer: Layer, path: str = "trunk") -> Iterator[tuple[str, Layer]]:
    """Yield the layers inside, in order, each with its path: "branch" or "shortcut" within a residual block."""
    match layer:
        case Residual():
            yield from walk(layer.branch, "branch")
            yield from walk(layer.shortcut, "shortcut")
        case Sequential():
            for part in layer.layers:
                yield from walk(part, path)
        case _:
            yield path, layer


def kind(layer: Layer) -> str:
    """Name a layer as a chart does; empty if it only changes the shape."""
    match layer:
        case Convolution():
            stride = f", stride {layer.stride}" if layer.stride > 1 else ""
            return f"{layer.size}x{layer.size} conv{stride}"
        case MaxPool():
            return f"{layer.size}x{layer.size} max-pool"
    names = {Dense: "linear", LeakyReLU: "ReLU", BatchNorm: "batch norm", AveragePool: "average"}
    names |= {ScalarBias: "bias", ScalarMultiplier: "multiplier"}
    return names.get(type(layer), "")


def box(axes: Axes, x: float, y: float, label: str, *, color: str = "1", shape: str = "round", turned: int = 0) -> None:
    """Draw a label in a box; `shape` is a box style of matplotlib, "round" or "circle" with options."""
    style = {"boxstyle": shape, "facecolor": color, "edgecolor": "0.25", "linewidth": 0.8}
    axes.text(x, y, label, ha="center", va="center", fontsize=8, bbox=style, rotation=turned)


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw the path through the boxes, which lie on it."""
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "mutation_scale": 8, **LINE}, zorder=0)
