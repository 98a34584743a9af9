"""Lesson 8, fourth part: what stays true of the layers' squared norms as a residual net is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

from figures.tools.table import Table, stacked
from simulations import LeakyReLU, Network, Tanh, one_hot, residual_mlp, stream, zero
from simulations.data.splits import digits_split
from simulations.layers.dense import Layer
from simulations.numbers.arrays import Array
from simulations.training.sgd import step
from simulations.weights.kinds import factors
from theory.training import balance

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

WIDTH, BLOCKS, BATCH, TIME = 16, 2, 32, 10.0
"""Units of the stream and of the branches, branches, images a step, and steps times learning rate."""
NETS: dict[str, tuple[Layer, float | None]] = {
    "homogeneous": (LeakyReLU(), None),
    "biases": (LeakyReLU(), 0.3),
    "tanh": (Tanh(), None),
}
LAYERS = {"stem": "stem", "readout": "readout", "first": "block0.layer0", "last": "block0.layer1"}
SHOWN = {"stem": ("o", "C0"), "readout": ("s", "C0"), "first": ("o", "C1"), "last": ("s", "C1")}


def network(kind: str) -> Network:
    """Build a net of two branches of two layers between a stem and a readout; the last layer of a branch is 0."""
    data, (activation, bias) = digits_split().flattened(), NETS[kind]
    return residual_mlp(
        WIDTH, BLOCKS, stem=data.training.x.shape[1], classes=data.classes, activation=activation,
        bias_deviation=bias, last_layer=zero,
    )  # fmt: skip


def trained(kind: str, rate: float, seed: int) -> Table:
    """Train on digits for the time 10, and follow by how much the squared norms of four layers have moved.

    Expected are, from losses, entropies and gradients on the way: of stem and readout what loss less entropy takes, of
    the last layer of a branch what its first layer moved by, each with its second order.
    """
    digits, net = digits_split().flattened(), network(kind)
    data, rng = digits.training, stream(seed, "lesson 8", "kept")
    parameters = net.draw(rng, 1)
    weights = {name: f"{layer}.weight" for name, layer in LAYERS.items()}
    norms, squares, excess = [_squares(parameters, weights)], [], []
    for _ in range(round(TIME / rate)):
        rows = rng.integers(len(data), size=BATCH)
        x = data.x[rows].astype(np.float64)[None]
        x = x / np.linalg.norm(x, axis=-1, keepdims=True)
        taken = step(net, parameters, x, one_hot(data.labels[rows][None], digits.classes), rate)
        squares.append([np.square(factors(taken.gradients[one]).array).sum() for one in weights.values()])
        excess.append((taken.loss.loss - taken.loss.entropy).mean())
        parameters = taken.parameters
        norms.append(_squares(parameters, weights))
    moved = np.array(norms) - norms[0]
    told = _told(rate, moved, np.array(squares), np.array(excess))
    columns: dict[str, object] = {"time": rate * np.arange(len(norms))}
    columns |= dict(zip(LAYERS, moved.T, strict=True))
    columns |= dict(zip((f"expected {name}" for name in LAYERS), told.T, strict=True))
    return stacked(dict.fromkeys(columns, "1"), columns)


def _squares(parameters: Mapping[str, Array], weights: Mapping[str, str]) -> list[float]:
    return [float(np.square(parameters[one]).sum()) for one in weights.values()]


def _told(rate: float, moved: Array, squares: Array, excess: Array) -> Array:
    """Return what theory says that each layer has moved by, (steps + 1, layers), given what happened on the way."""
    along = sp.Symbol("along", real=True)
    square, other = sp.symbols("square other", nonnegative=True)
    of_one = sp.lambdify([along, square], balance.square_norm_change(rate, along, square))
    drift = sp.lambdify([square, other], balance.drift(rate, square, other))
    by_step = np.stack(
        [
            of_one(excess, squares[:, 0]),
            of_one(excess, squares[:, 1]),
            np.diff(moved[:, 3]) + drift(squares[:, 2], squares[:, 3]),
            np.diff(moved[:, 2]) + drift(squares[:, 3], squares[:, 2]),
        ],
        axis=1,
    )
    return np.concatenate([np.zeros((1, 4)), by_step.cumsum(axis=0)])


def draw_trained(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw what theory says as lines and what happened as points: two layers of each of two pairs."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    some = np.unique(np.linspace(0, len(table) - 1, 21).round().astype(int))
    for place, (name, (mark, color)) in enumerate(SHOWN.items()):
        axes.plot(table["time"], table[f"expected {name}"], "-" if mark == "o" else "--", color=color, linewidth=1)
        chosen = some[place // 2 :: 2]
        axes.plot(
            table["time"][chosen], table[name][chosen], mark,
            color=color, label=labels[f"{name} curve"], markersize=7, fillstyle="full" if mark == "o" else "none",
        )  # fmt: skip
    axes.plot([], [], color="0.3", label=labels["closed form"])
    axes.set(xlabel=labels["time axis"], ylabel=labels["norm axis"], title=labels["kept title"])
    axes.legend()
    return picture
