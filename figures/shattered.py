"""Shattered gradients: the correlation of the gradients at two inputs against depth, with real masks and coins."""

from __future__ import annotations

import math
from itertools import accumulate
from operator import mul
from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.drawing import beside, measured
from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.key import KEY
from figures.tools.table import Table, row, stacked
from simulations import gaussian, residual_mlp, stream
from simulations.experiments.gradient_pairs import Masks, gradient_pairs
from simulations.numbers.arrays import Array
from simulations.weights.undrawn import undrawn
from theory.mean_field import angles
from theory.shattering import masks as independent_masks
from theory.shattering import residual_pairs

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title=r"Gradients of real nets shatter like $L^{-3}$, not exponentially",
    finding=(
        "At two orthogonal inputs the gradients of a wide ReLU net of 16 layers have the correlation 0.013, 870 times "
        "the 2^-16 of masks thrown as coins; in a residual net of 16 blocks it is 0.068, 7 times (3/4)^16, and of 64 "
        "blocks 0.0038, for 1e-8. Coins do follow 2^-L; real masks overlap ever more with depth. With normalised "
        "branches even coins leave 0.14 behind 64 blocks, the product of 1 - 1/(2(l + 1))."
    ),
    alt=(
        "Chart with two logarithmic axes: correlation of the gradients at two orthogonal inputs against depth. Curves "
        "for plain and residual nets bend into straight lines of slope -3, with points measured at width 1024 on them, "
        "beside a line of that slope; 2^-L and (3/4)^L plunge below. Points with masks thrown as coins follow 2^-L. "
        "The curve for coins and normalised branches stays on top, at 0.14 with 64 blocks."
    ),
    source="Balduzzi et al. 2017, theorem 1, beside the exact law of wide nets",
    parameters={
        "width": 1024,
        "plain": [1, 2, 4, 8, 16],
        "residual": [1, 2, 4, 8, 16],
        "coins": [1, 2, 3, 4, 6],
        "draws": {"plain": 1200, "residual": 300, "coins": 1000},
        "longest": 64,
    },
    key=KEY | {"line": "closed form for wide nets"},
)
TENDS_TO = 196.7
"""What L^3 times the correlation in a plain net tends to, from orthogonal inputs (`theory.mean_field.angles`)."""
UNITS = {"net": "", "depth": "1", "expected": "1", "measured": "1", "error": "1"}


def _products(net: str, width: int, depth: int, draws: int, rng: np.random.Generator) -> Array:
    """Inner products of the gradients over their mean square norm, (draws,).

    The inputs are one orthogonal pair of unit mean square; Gaussian nets prefer no direction.
    """
    pair = np.ones((1, 2, width))
    pair[0, 1, ::2] = -1
    if net != "residual":
        masks: Masks = "coins" if net == "coins" else "own"
        return _inner(gradient_pairs((width,) * (depth + 1), pair, draws=draws, rng=rng, masks=masks))
    network, parts = residual_mlp(width, depth), []
    for start in range(0, draws, at_once := max(1, (1 << 16) // width)):
        count = min(at_once, draws - start)
        run = network.run(network.draw(rng, count, undrawn()), np.repeat(pair, count, axis=0))
        top = np.repeat(gaussian(rng, (count, 1, width)) / (2**depth * width) ** 0.5, 2, axis=1)
        parts.append(_inner(run.backward(top)[0]))
    return np.concatenate(parts)


def _inner(pairs: Array) -> Array:
    products: Array = np.vecdot(pairs[:, 0], pairs[:, 1])
    return products


def normalised(blocks: int) -> list[float]:
    """Return the correlation under coins behind 1, ..., `blocks` blocks with normalised branches.

    Block l adds a branch of variance 1 to a stream of variance l, a shortcut of weight l: 1 - 1 / (2 (l + 1)).
    """
    return list(
        accumulate((float(independent_masks.independent_correlation(1, one)) for one in range(1, blocks + 1)), mul)
    )


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Measure each net at its depths; where only a line is wanted, nothing is measured (NaN)."""
    longest, right = parameters["longest"], math.pi / 2
    laws = {
        "plain": angles.gradient_correlations(right, longest),
        "residual": residual_pairs.gradient_correlations(right, longest),
        "coins": [float(independent_masks.independent_correlation(depth)) for depth in range(1, longest + 1)],
        "coins, residual": [
            float(independent_masks.independent_correlation(depth, 1)) for depth in range(1, longest + 1)
        ],
        "coins, normalised": normalised(longest),
    }
    groups: list[dict[str, object]] = []
    for net, law in laws.items():
        means, errors = np.full((2, longest), np.nan)
        for depth in parameters.get(net, []):
            draws = max(20, int(DRAWS[effort] * parameters["draws"][net]))
            found = _products(net, parameters["width"], depth, draws, stream(seed, "shattered", net, depth))
            means[depth - 1], errors[depth - 1] = found.mean(), found.std(ddof=1) / math.sqrt(draws)
        groups.append(row(UNITS, net, np.arange(1, longest + 1), law, means, errors))
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw laws as lines and measurements as points, on logarithmic axes where a power is straight."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    styles = {
        "plain": ("-o", "C0", "plain net", (64, 4.8e-4)),
        "residual": ("-s", "C1", "residual net", (64, 3.75e-3)),
        "coins": ("--^", "C2", "$2^{-L}$: masks\nas coins", (3.6, 4e-4)),
        "coins, residual": ("--", "C3", "$(3/4)^{L}$: with\nshortcuts", (13.7, 1.3e-4)),
        "coins, normalised": ("-.", "C4", "coins,\nnormalised\nbranches", (64, 0.14)),
    }
    for net, (style, color, label, place) in styles.items():
        rows = table.where(net=net)
        axes.plot(rows["depth"], rows["expected"], style.rstrip("os^"), color=color)
        if len(rows.seen()):
            measured(axes, rows.seen(), "depth", style[-1], color=color)
        beside(axes, label, place, (6, 0), color=color)
    ends = np.array([16.0, parameters["longest"]])
    axes.plot(ends, TENDS_TO / ends**3, color="0.4", linewidth=1)
    beside(axes, r"slope $-3$", (64, 7.5e-4), (6, 3), color="0.4")
    axes.set(xscale="log", yscale="log", xlim=(0.95, 64), ylim=(3e-5, 1.2), xlabel="depth $L$ (layers or blocks)")
    axes.set_ylabel(r"$\mathbb{E}\,\langle g_1,g_2\rangle\,/\,\mathbb{E}\,\|g\|^2$")
    axes.set_xticks([1, 2, 4, 8, 16, 32, 64], ["1", "2", "4", "8", "16", "32", "64"])
    axes.minorticks_off()
    return picture
