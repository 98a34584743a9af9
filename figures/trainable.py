"""Trainable starts: the probability that a ReLU net is alive with gradients within a factor 10, against the gain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.drawing import beside, measured
from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.table import Table, stacked
from simulations import lecun, mlp, radial, stream
from theory.fluctuations.trainable import probability

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="The deeper a net, the fewer gains give gradients of a reasonable size",
    finding=(
        "A weight's gradient lies within a factor 10 of the product of the norms of input and cotangent in a window "
        "of gains that narrows with depth. At width 8 and 64 layers the best gain, 1.71, gives 31 % of the draws, and "
        "He's 0.4 %; at width 64 it is 1.44, with 95 %, and He's gives 81 %."
    ),
    alt=(
        "Two panels, width 8 and width 64: probability that a gradient is within a factor 10, against the gain from "
        "0.9 to 2.4. Curves of 4, 16 and 64 layers are humps, each narrower than the one before. At width 8 they peak "
        "at gains above the dashed line at sqrt 2, at width 64 close to it. Points lie on the curves."
    ),
    source="Beyond Hanin & Rolnick 2018; exact law derived here",
    parameters={"widths": [8, 64], "layers": [4, 16, 64], "bound": 10, "gains": [0.9, 2.4], "draws": 4000},
)
UNITS = {"width": "1", "layers": "1", "gain": "1", "expected": "1", "measured": "1", "error": "1"}
POINTS, EVERY = 101, 10
"""Gains of a curve, and every how many of them is measured."""


def share(width: int, layers: int, gain: float, bound: float, draws: int, rng: np.random.Generator) -> float:
    """Draw nets and count those in which the gradient of the middle matrix is within the bound."""
    init = lecun.scaled(gain)
    network = mlp([width] * (layers + 1), init=init, classes=width, readout=init)
    found = radial(network, np.ones(draws), rng=rng, backward=True, weight_gradients=True, log2=True)
    logs = (found.weight_gradients[f"layer{layers // 2}.weight"] - np.log2(width)) * np.log(2) / 2
    return float((np.abs(logs) <= np.log(bound)).mean())


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Derive the probability at every gain, and measure it at some."""
    draws, bound = max(100, int(DRAWS[effort] * parameters["draws"])), parameters["bound"]
    least, most = parameters["gains"]
    gains = np.linspace(least, most, POINTS)
    groups: list[dict[str, object]] = []
    for width in parameters["widths"]:
        for layers in parameters["layers"]:
            expected = np.array([probability(gain, width, layers, bound) for gain in gains])
            seen = np.full(POINTS, np.nan)
            for place in range(0, POINTS, EVERY):
                rng = stream(seed, "trainable", width, layers, place)
                seen[place] = share(width, layers, gains[place], bound, draws, rng)
            error = np.sqrt(np.maximum(expected * (1 - expected), 0) / draws)
            groups.append(dict(zip(UNITS, (width, layers, gains, expected, seen, error), strict=True)))
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw one panel a width, one curve a depth, and He's gain."""
    import matplotlib.pyplot as plt

    picture, both = plt.subplots(1, 2, sharey=True)
    for axes, width in zip(both, parameters["widths"], strict=True):
        rows = table.where(width=width)
        axes.axvline(np.sqrt(2), color="0.6", linestyle="--", linewidth=1)
        for layers, cycle, mark in zip(parameters["layers"], plt.rcParams["axes.prop_cycle"], "os^", strict=False):
            curve = rows.where(layers=layers)
            gain, expected = curve.numbers("gain"), curve.numbers("expected")
            axes.plot(gain, expected, **cycle)
            measured(axes, curve.seen(), "gain", mark, **cycle)
            flank = int(np.flatnonzero(expected >= 0.5 * expected.max())[-1])
            label = f"$L$ = {layers}" if layers == min(parameters["layers"]) else f"{layers}"
            beside(axes, label, (gain[flank], expected[flank]), (7, 4), **cycle)
        beside(axes, "He", (np.sqrt(2), 1.06), (4, 0), color="0.4")
        axes.set(xlabel=r"gain $\sigma_w$", xlim=tuple(parameters["gains"]), ylim=(0, 1.1))
        axes.set_title(f"width {width}", fontsize=10, loc="center")
    both[0].set_ylabel("probability: alive, gradient within a factor 10")
    return picture
