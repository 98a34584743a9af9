"""Streams of Transformers: the mean square of a first token, branch by branch, for four ways to place norms."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.drawing import beside, measured
from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.table import Table, stacked
from simulations import lecun, stream
from simulations.attention.layer import Projections
from simulations.transformer.recipes import NONE, POST, PRE, Recipe
from simulations.transformer.stack import transformer
from simulations.weights.undrawn import undrawn
from theory.transformer import streams, tokens

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="Norms turn exponential growth with depth into linear growth, or none",
    finding=(
        "Without norms each of a Transformer's branches doubles the first token's mean square. With norms before the "
        "branches each adds 1; divided by the root of their number, as in GPT-2, they add 1 in all; norms behind the "
        "additions put it back to 1 every time."
    ),
    alt=(
        "Line chart, logarithmic: mean square of a token's stream against the branch, up to 32. A straight line, "
        "without norms, leaves the picture at 128 behind seven branches; with norms before the branches it bends to "
        "33, scaled as in GPT-2 to 2, and with norms behind it stays at 1. Points, measured at width 100,000 without "
        "drawing the weights, lie on the lines."
    ),
    source="Beyond Xiong et al. 2020, section 3; Radford et al. 2019",
    parameters={"width": 100_000, "layers": 16, "draws": 4},
    tolerance=1e-6,
)
TOP = 150
"""Where the picture ends; the data go on."""
UNITS = {"start": "", "branch": "1", "expected": "1", "measured": "1", "error": "1"}


def _recipes(layers: int) -> dict[str, tuple[Recipe, list[float]]]:
    """Each way with its expected mean square after every branch, per feature; exact at every width."""
    branches, factor = range(2 * layers + 1), (2 * layers) ** -0.5
    scaled = replace(PRE, projections=Projections(output=lecun.scaled(factor)), last=lecun.scaled(factor))
    return {
        "$2^l$: no norms": (NONE, [float(tokens.unnormalised_growth(1)) ** (one / 2) for one in branches]),
        "$1+l$: norms before (pre-LN)": (PRE, [float(streams.square_norm(1, 1, one)) for one in branches]),
        r"$1+\frac{l}{2N}$: these scaled as in GPT-2": (
            scaled,
            [float(streams.square_norm(1, 1, one, factor**2)) for one in branches],
        ),
        "$1$: norms behind (post-LN)": (POST, [1.0 for _ in branches]),
    }


def _squares(recipe: Recipe, parameters: dict[str, Any], rng: np.random.Generator) -> np.ndarray:
    """Mean squares of one draw of a stack, from a token that sees itself alone, after every branch."""
    width, layers = parameters["width"], parameters["layers"]
    bare = replace(recipe, affine=False, eps=0.0)
    network = transformer(width, layers, bare, hidden=width, positions=1, causal=True)
    x = rng.standard_normal((1, 1, width))
    states = network.run(network.draw(rng, 1, undrawn()), x / np.sqrt(np.square(x).mean())).states
    return np.array([np.square(state).mean() for state in states[: 2 * layers + 1]])


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Measure each stack, draw by draw."""
    draws = max(3, int(DRAWS[effort] * parameters["draws"]))
    groups: list[dict[str, object]] = []
    for start, (recipe, expected) in _recipes(parameters["layers"]).items():
        rng = stream(seed, "streams", start)
        seen = np.array([_squares(recipe, parameters, rng) for _ in range(draws)])
        error = seen.std(axis=0, ddof=1) / np.sqrt(draws)
        branches = np.arange(len(expected))
        groups.append(
            {"start": start, "branch": branches, "expected": expected, "measured": seen.mean(axis=0), "error": error}
        )
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw lines and points on a logarithmic axis, each line named at its end."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    last = 2 * parameters["layers"]
    for start, color in zip(dict.fromkeys(table["start"].tolist()), plt.rcParams["axes.prop_cycle"], strict=False):
        rows = table.where(start=start)
        axes.plot(rows["branch"], rows["expected"], **color)
        measured(axes, rows, "branch", "o", **color)
        inside = rows.numbers("expected") <= TOP
        beside(axes, start, (rows["branch"][inside][-1], rows["expected"][inside][-1]), (6, 0), **color)
    axes.set(yscale="log", xlim=(0, last + 0.5), ylim=(0.8, TOP))
    axes.set(xlabel="branch $l$", ylabel=r"mean square $\mathbb{E}\,\|x_l\|^2\,/\,d$")
    return picture
