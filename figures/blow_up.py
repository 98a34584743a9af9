"""Residual blow-up: the mean square of the stream, block by block, for five ways to start a residual net."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.table import Table, stacked
from simulations import Network, Sequential, he, lecun, measure, residual_mlp, stream
from simulations.layers.dense import Layer
from simulations.layers.scaling import Scale
from simulations.networks.blocks import RELU
from theory.residual import norms as residual
from theory.residual import post_addition

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="Without care the stream of a residual net grows exponentially",
    finding=(
        "The mean square of the stream doubles per block under He-then-LeCun branches, triples with He on the last "
        "branch layer too, and grows by 1.74 with a ReLU after the addition; branches scaled by 1/sqrt L keep it below "
        "e, and averaging by sqrt(1/2) keeps it where it was."
    ),
    alt=(
        "Line chart, logarithmic: mean square of a residual stream against the block, up to 64. Three straight lines "
        "rise to 3^64, 2^64 and 1.74^64; two stay between 1 and e. Points, measured at width 256, lie on the lines."
    ),
    source="Beyond Zhang, Dauphin & Ma 2019, section 2",
    parameters={"width": 256, "blocks": 64, "draws": 200},
    tolerance=1e-6,
)
UNITS = {"start": "", "block": "1", "expected": "1", "measured": "1", "error": "1"}


def _nets(width: int, blocks: int) -> dict[str, tuple[Network, list[float]]]:
    """Each way to start, with its expected mean square after every block, relative to the input."""

    def after_each(layer: Layer, network: Network) -> Network:
        return Network(tuple(Sequential((block, layer)) for block in network.layers))

    def growth(gain: float) -> list[float]:
        return [float(residual.second_moment_growth(gain, block)) for block in range(blocks + 1)]

    standard = residual_mlp(width, blocks)
    constant = [1.0] * (blocks + 1)
    rectified = np.cumprod([1.0, *post_addition.growths(1.0, blocks)]).tolist()
    return {
        "$3^l$: He on every layer": (residual_mlp(width, blocks, last_layer=he), growth(2)),
        "$2^l$: He, then LeCun": (standard, growth(1)),
        "$1.74^l$: ReLU after the addition": (after_each(RELU, standard), rectified),
        r"$(1+\frac{1}{L})^l$: branches by $1/\sqrt{L}$": (
            residual_mlp(width, blocks, last_layer=lecun.scaled(blocks**-0.5)),
            growth(1 / blocks),
        ),
        r"$1$: $\sqrt{1/2}$ after the addition": (after_each(Scale(0.5**0.5), standard), constant),
    }


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Measure each net from an input of ones, at every block."""
    width, draws = parameters["width"], max(20, int(DRAWS[effort] * parameters["draws"]))
    groups: list[dict[str, object]] = []
    for start, (network, expected) in _nets(width, parameters["blocks"]).items():
        record = measure(network, np.ones((1, width)), draws=draws, rng=stream(seed, "blow_up", start), extras=())
        ratios = record.square_norms / width
        error = ratios.std(axis=0, ddof=1) / np.sqrt(len(ratios))
        blocks = np.arange(len(expected))
        groups.append(
            {"start": start, "block": blocks, "expected": expected, "measured": ratios.mean(axis=0), "error": error}
        )
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw lines and points on a logarithmic axis, each line named at its end."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    blocks, nudges = parameters["blocks"], iter((0, 0, 0, 7, -7))
    for start, color in zip(dict.fromkeys(table["start"].tolist()), plt.rcParams["axes.prop_cycle"], strict=False):
        rows = table.where(start=start)
        axes.plot(rows["block"], rows["expected"], **color)
        some = slice(0, None, 4)
        axes.errorbar(
            rows["block"][some], rows["measured"][some], 3 * rows.numbers("error")[some], fmt="o", capsize=2, **color
        )
        axes.annotate(
            start, (blocks, rows["expected"][-1]), (6, next(nudges)), textcoords="offset points", va="center", **color
        )
    axes.set(
        yscale="log", xlabel="block $l$", ylabel=r"mean square $\mathbb{E}\,\|x_l\|^2\,/\,\|x_0\|^2$", xlim=(0, blocks)
    )
    return picture
