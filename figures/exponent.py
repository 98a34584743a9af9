"""How much of the first step goes through attention, against depth, for seven ways to start a Transformer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.drawing import beside, joined, measured
from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.key import KEY
from figures.tools.table import Table, row, stacked
from simulations import stream, zero
from simulations.layers.dense import Gradients
from simulations.numbers.arrays import Array
from simulations.transformer.recipes import POST, PRE, Recipe, fixup, t_fixup
from simulations.transformer.stack import transformer
from theory.derivation import Value
from theory.domain import number
from theory.fixup.scale import fixup_scale
from theory.transformer.value_path import attention_trace

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="Attention multiplies two layers: Fixup's exponent for it is that of m = 2",
    finding=(
        "With L^(-1/2) on W_V, Fixup for m = 2, the part of the first step that goes through attention is the same at "
        "2 and at 64 branches, the square norm of the mean token, 3.6. With L^(-1/6), as if W_Q and W_K were factors "
        "too, it grows like L^(2/3), from 5.8 to 58; with zero last layers alone like L, to 232. T-Fixup keeps it near "
        "2.9 if positions are scaled with the tokens; if inputs are left as they are it grows like sqrt L. Pre-LN "
        "rises from 16 to 89, post-LN from 14 at 2 branches to 84 at 8."
    ),
    alt=(
        "Line chart, both axes logarithmic: trace of the tangent kernel over attention's weights against 2 to 64 "
        "residual branches. Fixup with m = 2 and T-Fixup are flat; Fixup with m = 4, T-Fixup with inputs as they are "
        "and pre-LN rise about tenfold, zero last layers to 232; post-LN leaves them behind within 8. Points lie on "
        "the three lines that are closed forms."
    ),
    source="Beyond Zhang, Dauphin & Ma 2019, section 3, and Huang et al. 2020 (T-Fixup)",
    parameters={"width": 16, "hidden": 16, "positions": 4, "layers": [1, 2, 4, 8, 16, 32], "post": 4, "draws": 100},
    tolerance=1e-5,
    key=KEY | {"join": "joins measured points"},
)
UNITS = {"start": "", "branches": "1", "expected": "1", "measured": "1", "error": "1"}
LINES: dict[str, Value | tuple[str, ...] | None] = {
    "Fixup, $m=2$": ("value", "output"),
    "Fixup, $m=4$": 4,
    "zero last layers": None,
}
"""What Fixup's exponent is told that a branch multiplies; None for no factor."""


def starts(layers: int) -> dict[str, tuple[Recipe, float, bool]]:
    """Return recipes by name, with what inputs are multiplied by, and whether W_Q is set to 0."""
    two, four, zeros = (
        fixup(layers, 0, **changes)[0] for changes in ({}, {"all_projections": True}, {"rule_2": False})
    )
    huang = t_fixup(layers, 1)[0]
    bare = [replace(one, scalars=False) for one in (two, four, zeros)]
    return dict(zip(LINES, ((one, 1.0, True) for one in bare), strict=True)) | {
        "T-Fixup": (huang, huang.embedding, False),
        "T-Fixup, inputs as they are": (huang, 1.0, False),
        "pre-LN": (replace(PRE, eps=0.0), 1.0, False),
        "post-LN": (replace(POST, eps=0.0), 1.0, False),
    }


def traces(
    recipe: Recipe, layers: int, parameters: dict[str, Any], x: Array, readout: Array, rng: np.random.Generator
) -> Array:
    """Return the trace of the tangent kernel over attention's weights, for v^T of the first token: (draws,).

    Parameters
    ----------
    x : array (draws, positions, width)
    readout : array (width,)
        v, of norm 1.
    """
    sizes = {name: parameters[name] for name in ("hidden", "positions")}
    network = transformer(parameters["width"], layers, recipe, **sizes)
    cotangent, into = np.zeros_like(x), Gradients()
    cotangent[:, 0] = readout
    network.run(network.draw(rng, len(x)), x).backward(cotangent, into)
    weights = (one for name, one in into.items() if ".attention." in name and name.endswith("weight"))
    return np.asarray(sum((one.square_norm for one in weights), np.zeros(len(x))))


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Measure the traces at the same tokens, of mean square 1, and the same readout for all starts and depths."""
    width, draws = parameters["width"], max(20, int(DRAWS[effort] * parameters["draws"]))
    rng = stream(seed, "exponent", "tokens")
    x, readout = rng.standard_normal((parameters["positions"], width)), rng.standard_normal(width)
    x *= width**0.5 / np.linalg.norm(x, axis=1, keepdims=True)
    mean, readout = float(np.square(x.mean(axis=0)).sum()), readout / np.linalg.norm(readout)
    groups = []
    for layers in parameters["layers"]:
        for start, (recipe, factor, no_queries) in starts(layers).items():
            if start == "post-LN" and layers > parameters["post"]:  # few draws then have most of the mean
                continue
            if no_queries:
                recipe = replace(recipe, projections=replace(recipe.projections, query=zero))
            rows = np.broadcast_to(factor * x, (draws, *x.shape))
            seen = traces(recipe, layers, parameters, rows, readout, stream(seed, "exponent", start, layers))
            expected = layers * _expected(start, 2 * layers, mean) if start in LINES else np.nan
            error = seen.std(ddof=1) / np.sqrt(draws)
            groups.append(row(UNITS, start, 2 * layers, expected, seen.mean(), error))
    return stacked(UNITS, *groups)


def _expected(start: str, branches: int, mean: float) -> float:
    """Return the trace of one branch whose attention weights are uniform; `mean` is the mean token's square norm."""
    told = LINES[start]
    return number(attention_trace(1, mean, 1 if told is None else fixup_scale(branches, told)))


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw closed forms as lines, measurements as points, each start named where it ends."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    nudges = dict(zip(dict.fromkeys(table["start"].tolist()), (7, -10, 0, -5, 5, 12, 0), strict=True))
    for start, cycle, mark in zip(nudges, plt.rcParams["axes.prop_cycle"], "v^Dso*P", strict=False):
        rows = table.where(start=start)
        line = rows.numbers("expected" if start in LINES else "measured")
        if start in LINES:
            axes.plot(rows["branches"], line, **cycle)
        else:
            joined(axes, rows["branches"], line, **cycle)
        measured(axes, rows, "branches", mark, **cycle)
        beside(
            axes, start.replace(", inputs", ",\ninputs"), (rows["branches"][-1], line[-1]), (8, nudges[start]), **cycle
        )
    branches = [2 * layers for layers in parameters["layers"]]
    axes.set(xscale="log", yscale="log", xlabel="residual branches $L$", xlim=(1.8, branches[-1] * 1.15))
    axes.set_xticks(branches, [str(one) for one in branches])
    axes.minorticks_off()
    axes.set_ylabel(r"trace over attention's weights, $\|v\|=1$")
    return picture
