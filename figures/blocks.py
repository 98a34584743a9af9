"""Residual blocks as they start: with batch norm, rescaled alone, and with all of Fixup; drawn from the layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.boxes import LINE, arrow, box, kind, walk
from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.table import Table, stacked
from simulations import Dense, Network, stream
from simulations.layers.dense import Layer
from simulations.layers.scalars import Scalar
from simulations.networks.fixup import FixupRules, fixup_mlp
from simulations.networks.rivals import build

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="Fixup puts a start scaled by depth and five scalars where batch norm was",
    finding=(
        "In a branch of two layers Fixup replaces two norms by a first layer of variance 2/(nL), a last one of 0, and "
        "four biases that start at 0 and one multiplier that starts at 1."
    ),
    alt=(
        "Three flow charts of residual blocks, from input to output. Left: linear, batch norm, ReLU, linear, batch "
        "norm, addition. Middle: linear of variance 2/(nL), ReLU, linear of 0, addition, ReLU. Right: the middle one "
        "with a scalar bias before and after each linear layer and a multiplier behind the last."
    ),
    source="Zhang, Dauphin & Ma 2019, figure 1",
    parameters={"width": 64, "blocks": 16, "draws": 200},
    key={"box": r"closed form of the start: $\sigma^2$, $a$ and $b$; measured: the same to 2 %"},
)
UNITS = {"block": "", "path": "", "layer": "", "scale": "1", "power": "1", "expected": "1", "measured": "1"}
COLORS = {"linear": "0.9", "ReLU": "1", "batch norm": "#F2BFA0", "bias": "#BFDDF0", "multiplier": "#BFDDF0"}


def _networks(width: int, blocks: int) -> dict[str, Network]:
    return {
        "batch norm": build("batch_norm", width=width, blocks=blocks, features=width, classes=2),
        "rescaled": fixup_mlp(width, blocks, rules=FixupRules(bias=None, multiplier=None)),
        "Fixup": fixup_mlp(width, blocks),
    }


def _row(one: Layer, single: Layer, blocks: int, rng: np.random.Generator, draws: int) -> dict[str, object]:
    """Say what a layer is and how it starts; `single` is the same layer in a network of one block.

    The start of a linear layer is n times the variance of its weights, ``scale * L^power``; a scalar's is its value.
    """
    row: dict[str, object] = {"layer": kind(one)} | dict.fromkeys(list(UNITS)[3:], np.nan)
    if isinstance(one, Dense) and isinstance(single, Dense):
        here, alone = (part.fan_in * part.init.deviation(part.fan_in, part.fan_out) ** 2 for part in (one, single))
        power = round(math.log(here / alone) / math.log(blocks), 9) if here else 0.0
        weights = one.draw(rng, draws)[one.weight]
        measured = one.fan_in * np.square(weights).mean()
        row |= {"scale": alone, "power": power, "expected": alone * blocks**power, "measured": measured}
    elif isinstance(one, Scalar):
        row |= {"scale": one.value, "power": 0.0, "expected": one.value, "measured": one.draw(rng, 1)[one.name].mean()}
    return row


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Walk a block of each network, and measure how its layers start."""
    width, blocks, draws = parameters["width"], parameters["blocks"], max(2, int(DRAWS[effort] * parameters["draws"]))
    groups: list[dict[str, object]] = []
    for name, network in _networks(width, blocks).items():
        rng, single = stream(seed, "blocks", name), _networks(width, 1)[name]
        find = [next(layer for layer in one.layers if not isinstance(layer, Dense)) for one in (network, single)]
        for (path, layer), (_, alone) in zip(walk(find[0], "after"), walk(find[1]), strict=True):
            groups.append({"block": name, "path": path} | _row(layer, alone, blocks, rng, draws))
    return stacked(UNITS, *groups)


def _label(layer: str, scale: float, power: float) -> str:
    if layer == "linear":
        variance = r"0" if not scale else rf"{scale:.3g}/n" if not power else rf"{scale:.3g}/(nL^{{{-power:g}}})"
        return rf"linear, $\sigma^2 = {variance.replace('^{1}', '')}$"
    return {"bias": f"$+\\,b$,  $b = {scale:.0f}$", "multiplier": f"$\\times\\,a$,  $a = {scale:.0f}$"}.get(
        layer, layer
    )


def _flow(axes: Axes, rows: Table, title: str) -> None:
    """Draw one block from top to bottom, its shortcut on the left."""
    parts = zip(*(rows[name].tolist() for name in ("path", "layer", "scale", "power")), strict=True)
    steps = [(path, layer, _label(layer, scale, power)) for path, layer, scale, power in parts]
    inside = sum(path == "branch" for path, _, _ in steps)
    steps.insert(inside, ("addition", "addition", "$+$"))
    pitch = 11 / (len(steps) + 1)  # all blocks end at the same height
    for height, (_, layer, label) in enumerate(steps, start=1):
        shape = "circle" if layer == "addition" else "round,pad=0.35"
        box(axes, 0, -height * pitch, label, color=COLORS.get(layer, "1"), shape=shape)
    joins = -(inside + 1) * pitch
    arrow(axes, (0, -0.3), (0, -10.7))
    axes.plot([0, -1, -1, -0.1], [-0.4, -0.4, joins, joins], **LINE)
    axes.text(0, 0, "$x_l$", ha="center", va="center")
    axes.text(0, -11, "$x_{l+1}$", ha="center", va="center")
    axes.set(xlim=(-1.15, 1.05), ylim=(-11.5, 0.5), xticks=[], yticks=[])
    axes.set_title(title, loc="center", fontsize=10)
    axes.axis("off")


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw the blocks side by side."""
    import matplotlib.pyplot as plt

    picture, panels = plt.subplots(1, 3, figsize=(6.4, 4.9))
    for axes, block in zip(panels, dict.fromkeys(table["block"].tolist()), strict=True):
        _flow(axes, table.where(block=block), block)
    return picture
