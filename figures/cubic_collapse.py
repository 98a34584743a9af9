"""Rank collapse without a skip: the cubic law of one head, and the logarithms that triple from layer to layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from figures.tools.drawing import measured
from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.table import Table, row, stacked
from simulations import stream
from simulations.attention.attend import attend, split
from simulations.attention.layer import Attention
from simulations.layers.dense import Parameters
from simulations.numbers.arrays import Array
from theory.attention import diameters, rank_collapse

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="Without a skip the differences between tokens are cubed in every layer",
    finding=(
        "Behind one head tokens that differ by eps differ by a multiple of eps^3, which is known to first order, and "
        "never by more than ||W_V|| D tanh(||B|| D^2 / 4), D their diameter; with a skip they keep their differences. "
        "So from layer to layer the logarithm of the relative residual is tripled, and more at first: in mean it is "
        "-0.2, -1.3, -4.9 (base 10) and, by the law, -15.8, where float64 cannot follow."
    ),
    alt=(
        "Two panels, logarithmic. Left: diameter of a head's outputs against eps, points on a line of slope 3 below a "
        "bound that bends to slope 1, and, with a skip, on a line of slope 1. Right: logarithm of the relative "
        "residual against the layer, points that fall ever faster, on a line that the cubic law gives from the layer "
        "before and that goes on to -15.8 at the fourth."
    ),
    source="Beyond Dong, Cordonnier & Loukas 2021, theorem 1 and figure 2",
    parameters={"width": 32, "positions": 8, "layers": 3, "draws": 100},
    tolerance=1e-6,
    key={"line": "closed form, to first order, and bound", "bars": "measured (right: bars of 3 standard errors)"},
)
UNITS = {"panel": "", "x": "1", "expected": "1", "measured": "1", "error": "1"}
SIZES = 2.0 ** np.arange(-9, 3)
"""eps; the tokens' mean and their differences at eps = 1 have mean square 1 and about 1."""


def _centred(x: Array) -> Array:
    return np.asarray(x - x.mean(axis=1, keepdims=True))


def _diameter(x: Array) -> Array:
    return np.asarray(np.linalg.norm(x[:, :, None] - x[:, None], axis=3).max(axis=(1, 2)))


def _residual(x: Array) -> Array:
    return np.asarray(np.linalg.norm(_centred(x), axis=(1, 2)) / np.linalg.norm(x, axis=(1, 2)))


def _head(layer: Attention, parameters: Parameters, x: Array) -> Array:
    """Return outputs, without W_O. What tokens have in common, as weights add up to 1, goes beside the rest."""
    common = x.mean(axis=1, keepdims=True)
    queries, keys = (split(part.forward(parameters, x)[0], 1, 1) for part in layer.parts[:2])
    values = split(layer.parts[2].forward(parameters, x - common)[0], 1, 1)
    return np.asarray(attend(queries, keys, values)[0][:, 0, 0] + layer.parts[2].forward(parameters, common)[0])


def _cubic(layer: Attention, parameters: Parameters, x: Array) -> Array:
    """Return what the cubic law says of the outputs' differences."""
    query, key, value = (parameters[part.weight] for part in layer.parts[:3])
    moved = _centred(x)
    product = moved @ (query @ key.mT / layer.width**0.5) @ moved.mT @ moved @ value
    law = sp.lambdify([rank_collapse.SMALL, rank_collapse.CUBIC], rank_collapse.cubic().result, "numpy")
    return np.asarray(law(1.0, _centred(product) / x.shape[1]))


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Measure one head at many sizes of the differences, and heads one behind the other."""
    width, positions = parameters["width"], parameters["positions"]
    layer, rng = Attention("head", width, 1, positions), stream(seed, "cubic_collapse", "one")
    drawn, groups = layer.draw(rng, 1), list[dict[str, object]]()
    common, moved = rng.standard_normal((1, 1, width)), _centred(rng.standard_normal((1, positions, width)))
    query, key, value = (drawn[part.weight][0] for part in layer.parts[:3])
    norms = np.linalg.norm(value, 2), np.linalg.norm(query @ key.T, 2) / width**0.5
    for size in SIZES.tolist():
        x = common + size * moved
        told, outputs, before = _diameter(_cubic(layer, drawn, x))[0], _head(layer, drawn, x), _diameter(x)[0]
        bound = float(diameters.largest_diameter(before, *norms))
        groups += [
            row(UNITS, "no skip", size, told, _diameter(outputs)[0], 0.0),
            row(UNITS, "bound", size, bound, np.nan, np.nan),
            row(UNITS, "skip", size, before, _diameter(x + outputs)[0], 0.0),
        ]
    draws, rng = max(20, int(DRAWS[effort] * parameters["draws"])), stream(seed, "cubic_collapse", "layers")
    x = rng.standard_normal((draws, positions, width))
    logs = np.log10(_residual(x))
    groups.append(row(UNITS, "layers", 0, np.nan, logs.mean(), logs.std(ddof=1) / draws**0.5))
    for at in range(parameters["layers"] + 1):
        drawn = layer.draw(rng, draws)
        law, x = _cubic(layer, drawn, x), _head(layer, drawn, x)
        told = np.log10(np.linalg.norm(law, axis=(1, 2)) / np.linalg.norm(x, axis=(1, 2)))
        logs = np.log10(_residual(x)) if at < parameters["layers"] else np.full(draws, np.nan)  # no more than rounding
        groups.append(row(UNITS, "layers", at + 1, told.mean(), logs.mean(), logs.std(ddof=1) / draws**0.5))
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw one head on the left, layers of heads on the right."""
    import matplotlib.pyplot as plt

    picture, (left, right) = plt.subplots(1, 2, figsize=(9, 4.1))
    labels = {"bound": r"$\|W_V\|\,D\,\tanh(\|B\|D^2/4)$", "no skip": "no skip, cubic law", "skip": "with a skip"}
    for (panel, label), color in zip(labels.items(), ({"color": "0.5"}, {"color": "C0"}, {"color": "C1"}), strict=True):
        rows = table.where(panel=panel)
        left.plot(rows["x"], rows["expected"], **color, label=label)
        if panel != "bound":
            left.plot(rows["x"], rows["measured"], "o", markersize=4, **color)
    left.set(xscale="log", yscale="log", xlabel=r"differences between tokens, $\epsilon$", ylim=(1e-8, 1e3))
    left.set_ylabel("diameter of the outputs")
    left.legend(loc="lower right")
    rows = table.where(panel="layers")
    right.plot(rows["x"][1:], rows["expected"][1:], color="C0", label="cubic law, from the layer before")
    measured(right, rows, "x", "o", color="C1", label="measured, without a skip")
    right.set(xlabel="layer", ylabel=r"$\log_{10}$ of the relative residual, mean", xticks=range(len(rows)))
    right.legend(loc="lower left")
    return picture
