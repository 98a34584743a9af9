"""Entropy of attention weights against the scale of the logits: closed form, and heads with logits of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.drawing import beside, measured
from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.key import KEY
from figures.tools.table import Table, stacked
from simulations import lecun, stream
from simulations.attention.attend import products, split
from simulations.attention.layer import Attention, Projections
from simulations.attention.softmax import softmax
from simulations.numbers.arrays import Array
from theory.attention import weights

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="At the usual scale attention weights keep most of their entropy",
    finding=(
        "At logits of deviation 1 the weights over 4 to 256 keys have 0.80 to 0.91 of the largest entropy in mean, at "
        "deviation 4 they have 0.31 to 0.32, however many keys there are. So it is by one integral for independent "
        "normal logits, and all but so for a head of 64 units on orthogonal tokens. A head of 2 units, whose logits "
        "have heavy tails, keeps more: 0.43 at deviation 4."
    ),
    alt=(
        "Line chart: mean entropy over log T against the deviation of the logits, from 0.5 to 6. Four lines, for 4, "
        "16, 64 and 256 keys, fall from near 1 and meet at 0.31 at deviation 4, with points on them; squares of a head "
        "of 64 units lie along the line of 16 keys, crosses of one of 2 units well above it."
    ),
    source="Beyond Vaswani et al. 2017, section 3.2.1",
    parameters={
        "keys": [4, 16, 64, 256],
        "scales": [0.5 * one for one in range(1, 13)],
        "heads": [2, 64],
        "width": 64,
        "draws": 3000,
    },
    tolerance=1e-6,
    key=KEY | {"line": "closed form: one integral"},
)
UNITS = {"logits": "", "keys": "1", "deviation": "1", "expected": "1", "measured": "1", "error": "1"}
OF_HEADS = 16
"""Keys of a real head."""


def _entropies(logits: Array) -> Array:
    """Return the entropy of the softmax of each row, over the logarithm of their number."""
    shares = softmax(logits)[0]
    return np.asarray(-(shares * np.log(np.maximum(shares, 1e-300))).sum(axis=1) / np.log(logits.shape[1]))


def _of_a_head(head: int, width: int, draws: int, rng: np.random.Generator) -> Array:
    """Return the logits of a query for `OF_HEADS` orthogonal tokens of mean square 1, (draws, keys); deviation 1."""
    init = Projections(lecun, lecun, lecun, lecun)
    layer = Attention("head", width, 1, OF_HEADS, init=init, head_width=head)
    x = np.broadcast_to(width**0.5 * np.eye(width)[:OF_HEADS], (draws, OF_HEADS, width))
    parameters = layer.draw(rng, draws)
    queries, keys = (split(part.forward(parameters, x)[0], 1, 1) for part in layer.parts[:2])
    return np.asarray(products(queries, keys, head**-0.5)[0][:, 0, 0, 0])


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Measure independent normal logits, then logits of heads, at each scale the same draws."""
    draws = max(50, int(DRAWS[effort] * parameters["draws"]))
    cases: list[tuple[str, int, Array]] = []
    for keys in parameters["keys"]:
        cases.append(("normal", keys, stream(seed, "entropy", keys).standard_normal((draws, keys))))
    for head in parameters["heads"]:
        rng = stream(seed, "entropy", "head", head)
        cases.append((f"head of {head}", OF_HEADS, _of_a_head(head, parameters["width"], draws, rng)))
    groups: list[dict[str, object]] = []
    for name, keys, logits in cases:
        for deviation in parameters["scales"]:
            found = _entropies(deviation * logits)
            told = weights.mean_entropy(keys, deviation) / np.log(keys) if name == "normal" else np.nan
            groups.append({
                "logits": name, "keys": [keys], "deviation": [deviation], "expected": [told],
                "measured": [found.mean()], "error": [found.std(ddof=1) / draws**0.5],
            })  # fmt: skip
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw closed forms as lines with points, and the heads as points alone."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    colors = [color["color"] for color in plt.rcParams["axes.prop_cycle"]]
    for keys, color in zip(parameters["keys"], colors, strict=False):
        rows = table.where(logits="normal", keys=keys)
        axes.plot(rows["deviation"], rows["expected"], color=color)
        measured(axes, rows, "deviation", "o", color=color, markersize=4, label=f"{keys} independent normal logits")
    for head, mark in zip(parameters["heads"], "xs", strict=True):
        rows = table.where(logits=f"head of {head}")
        look: dict[str, Any] = {"color": "0.3", "markersize": 6, "markerfacecolor": "none"}
        measured(axes, rows, "deviation", mark, **look, label=f"{OF_HEADS} keys, a head of $d_k={head}$")
    axes.axvline(1, color="0.7", linewidth=0.8, zorder=0)
    beside(axes, r"usual scale", (1, 0.08), (5, 0), color="0.4")
    axes.set(xlabel="deviation of the logits, $s$", ylabel=r"mean entropy, $\mathbb{E}\,H\,/\,\log T$", ylim=(0, 1.02))
    axes.set_xlim(0, parameters["scales"][-1] * 1.02)
    axes.legend()
    return picture
