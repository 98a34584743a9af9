"""How far one step on the branches lowers a loss of slope 1 at a Transformer's output: SGD and Adam, against depth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.drawing import joined, measured
from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.key import KEY
from figures.tools.table import Table, row, stacked
from simulations import stream, zero
from simulations.numbers.arrays import Array
from simulations.transformer.recipes import POST, PRE, REZERO, Recipe, deepnorm, fixup, layer_scale, t_fixup
from simulations.transformer.stack import transformer
from theory.domain import number
from theory.fixup.scale import fixup_exponent
from theory.transformer import branch_scales, coordinate_check, value_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="One step of SGD moves a Fixup Transformer alike at every depth; one of Adam does not",
    finding=(
        "A step of SGD on all branches lowers a loss of slope 1 by 10.7 learning rates under Fixup for m = 2, with 2 "
        "branches or with 64, and T-Fixup keeps it near 5. With m = 4 on attention it grows from 12 to 51, with zero "
        "last layers alone like L, as with ReZero. Adam's first step, that of the signs, grows like sqrt L under "
        "Fixup and like L without rule 2: there the rule takes only half of the power away."
    ),
    alt=(
        "Two panels with one pair of logarithmic axes: fall of a loss by one step, over the rate, against 2 to 64 "
        "residual branches, for nine starts. Left, SGD: Fixup with m = 2 and T-Fixup are flat, all others rise, zero "
        "last layers and ReZero with slope 1, post-LN fastest. Right, Adam: all rise but one, LayerScale at its "
        "smallest start; Fixup and T-Fixup least, with slope 1/2. Points lie on the lines of the closed forms."
    ),
    source="Beyond Zhang, Dauphin & Ma 2019, section 3: the aim, of which they show no figure",
    parameters={
        "width": 16,
        "hidden": 16,
        "positions": 4,
        "layers": [1, 2, 4, 8, 16, 32],
        "post": 4,
        "draws": 100,
        "rate": 1e-7,
    },
    tolerance=1e-4,
    key=KEY | {"join": "joins measured points"},
)
UNITS = {"optimiser": "", "start": "", "branches": "1", "expected": "1", "measured": "1", "error": "1"}
Rule = Callable[[Array], Array]
OPTIMISERS: dict[str, Rule] = {"SGD": np.asarray, "Adam": np.sign}
"""From a gradient to the first step, over the rate: Adam's, without eps, is that of the signs."""
NO_QUERIES = ("Fixup, $m=2$", "Fixup, $m=4$", "zero last layers", "ReZero")
"""Starts with W_Q = 0, whose steps have closed forms; but for ReZero's step of Adam."""


def starts(layers: int) -> dict[str, tuple[Recipe, float]]:
    """Return recipes by name, with what inputs are multiplied by."""
    changes: tuple[dict[str, Any], ...] = ({}, {"all_projections": True}, {"rule_2": False})
    zeros = [replace(fixup(layers, 0, **change)[0], scalars=False) for change in changes]
    bare = dict(zip(NO_QUERIES, [*zeros, REZERO], strict=True))
    huang = t_fixup(layers, 1)[0]
    found = {
        name: (replace(one, projections=replace(one.projections, query=zero)), 1.0) for name, one in bare.items()
    } | {"T-Fixup": (huang, huang.embedding)}
    normed = {
        "LayerScale": layer_scale(layers, 1)[0],
        "DeepNorm": deepnorm(layers, 0)[0],
        "pre-LN": PRE,
        "post-LN": POST,
    }
    return found | {name: (replace(one, eps=0.0), 1.0) for name, one in normed.items()}


def steps(
    recipe: Recipe, layers: int, parameters: dict[str, Any], x: Array, readout: Array, rng: np.random.Generator
) -> list[Array]:
    """Take a step of each kind on f, v^T of the first token's output: what f falls by, over the rate, (draws,).

    Parameters
    ----------
    x : array (draws, positions, width)
    readout : array (width,)
        v, of norm 1.
    """
    sizes = {name: parameters[name] for name in ("hidden", "positions")}
    network = transformer(parameters["width"], layers, recipe, **sizes)
    before, cotangent = network.draw(rng, len(x)), np.zeros_like(x)
    cotangent[:, 0] = readout
    run, rate = network.run(before, x), parameters["rate"]
    gradients = run.gradients(cotangent)
    found = []
    for rule in OPTIMISERS.values():
        after = {name: value - rate * rule(gradients[name].reshape(value.shape)) for name, value in before.items()}
        found.append((run.output - network.run(after, x).output)[:, 0] @ readout / rate)
    return found


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Measure the steps at the same tokens, of mean square 1, and the same readout for all starts and depths."""
    width, draws = parameters["width"], max(20, int(DRAWS[effort] * parameters["draws"]))
    rng = stream(seed, "first_step", "tokens")
    x, readout = rng.standard_normal((parameters["positions"], width)), rng.standard_normal(width)
    x *= width**0.5 / np.linalg.norm(x, axis=1, keepdims=True)
    mean, readout = float(np.square(x.mean(axis=0)).sum()), readout / np.linalg.norm(readout)
    groups = []
    for layers in parameters["layers"]:
        for start, (recipe, factor) in starts(layers).items():
            if start == "post-LN" and layers > parameters["post"]:  # few draws then have most of the mean
                continue
            rows = np.broadcast_to(factor * x, (draws, *x.shape))
            found = steps(recipe, layers, parameters, rows, readout, stream(seed, "first_step", start, layers))
            for optimiser, seen in zip(OPTIMISERS, found, strict=True):
                expected = layers * _expected(optimiser, start, 2 * layers, mean, np.abs(readout).sum(), parameters)
                error = seen.std(ddof=1) / np.sqrt(draws)
                groups.append(row(UNITS, optimiser, start, 2 * layers, expected, seen.mean(), error))
    return stacked(UNITS, *groups)


def _expected(
    optimiser: str, start: str, branches: int, mean: float, sizes: float, parameters: dict[str, Any]
) -> float:
    """Return the step by one layer, of a branch of each kind.

    `mean` is the mean token's square norm, and `sizes` the sum of the sizes of v.
    """
    width, hidden = parameters["width"], parameters["hidden"]
    if start == "ReZero" and optimiser == "SGD":
        return _gain(mean, width) + _gain(width, width)
    if start not in NO_QUERIES[:3]:
        return np.nan
    value, first = {
        NO_QUERIES[0]: (branches ** _exponent(2), branches ** _exponent(2)),
        NO_QUERIES[1]: (branches ** _exponent(4), branches ** _exponent(2)),
        NO_QUERIES[2]: (1.0, 1.0),
    }[start]
    if optimiser == "SGD":
        trace = value_path.attention_trace(1, mean, value)
        return number(trace + value_path.perceptron_trace(1, width, width, hidden, first))
    # what W_O and W_2 multiply: normal values of variance |mean|^2 / d, and normal ones of variance 2, rectified
    return float(sizes * (_sizes(width) * value * (mean / width) ** 0.5 + _sizes(hidden) / 2 * first * 2**0.5))


@cache
def _exponent(layers: int) -> float:
    return number(fixup_exponent(layers))


@cache
def _gain(branch: float, width: int) -> float:
    return number(branch_scales.gain_trace(1, branch, width))


@cache
def _sizes(features: int) -> float:
    """Return the mean sum of sizes of so many standard normal features: how far Adam's step moves what they feed."""
    return number(coordinate_check.adam_growth().at(n=features))


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw closed forms as lines, measurements as points, each start named in the legend."""
    import matplotlib.pyplot as plt

    picture, panels = plt.subplots(1, 2, figsize=(10, 4.7), sharey=True)
    branches = [2 * layers for layers in parameters["layers"]]
    names = list(dict.fromkeys(table["start"].tolist()))
    for optimiser, axes in zip(OPTIMISERS, panels, strict=True):
        for at, (start, mark) in enumerate(zip(names, "v^Dso*Pxh", strict=True)):
            rows, color = (
                table.where(optimiser=optimiser, start=start),
                f"C{at % 7}" if at < 7 else ("0.5", "0.2")[at - 7],
            )
            told = np.isfinite(rows.numbers("expected")).all()
            if told:
                axes.plot(rows["branches"], rows["expected"], color=color)
            else:
                joined(axes, rows["branches"], rows["measured"], color=color)
            measured(axes, rows, "branches", mark, color=color, markersize=5, label=start)
        axes.set(xscale="log", yscale="log", xlabel="residual branches $L$", title=f"one step of {optimiser}")
        axes.set_xticks(branches, [str(one) for one in branches])
        axes.minorticks_off()
    panels[0].set_ylabel("fall of a loss of slope 1, over the rate")
    panels[1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return picture
