"""How far one step of SGD moves the whole function, against depth, for six ways to start a residual net."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from figures.figure import DRAWS, Effort, Figure
from figures.table import Table, stacked
from simulations import Network, Residual, Sequential, lecun, residual_mlp, stream, zero
from simulations.fixup import fixup_mlp
from simulations.initialisers import Array, Initialiser
from simulations.layers import Layer
from simulations.scalars import ScalarMultiplier
from theory import residual
from theory.one_step import bias_count
from theory.tangent_kernel import branch_trace, fixup_trace

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="Only Fixup's rules 1 and 2 move the function alike at every depth",
    finding=(
        "For a loss of slope 1 a step moves f by 2 learning rates times ||x||^2 under Fixup's rules 1 and 2, with 1 or "
        "with 1000 blocks. The biases of rule 3 add L/n, or L/(10n) at the authors' tenth of the rate, as ReZero's "
        "multipliers add L/n; zero last layers alone move it by 1 + L, branches scaled by 1/sqrt L by about e L, and "
        "standard ones by about (3/4) L 2^L."
    ),
    alt=(
        "Line chart, both axes logarithmic: change of the function per learning rate against 1 to 1000 blocks. Fixup "
        "without scalars is flat at 2, Fixup rises to 8, ReZero to 63, zero last layers to 1000, 1/sqrt L to 2700, and "
        "standard initialisation leaves the chart after 10 blocks. Points, measured at width 16, lie on the lines."
    ),
    source="Zhang, Dauphin & Ma 2019, section 3: the aim, of which they show no figure",
    parameters={
        "width": 16,
        "blocks": [1, 3, 10, 30, 100, 300, 1000],
        "standard": [1, 2, 3, 5, 7, 10],
        "draws": 48,
        "scalars": 0.1,
    },
    tolerance=1e-5,
)
UNITS = {"start": "", "blocks": "1", "expected": "1", "measured": "1", "error": "1"}
STANDARD = "standard: He, then LeCun"
AT_ONCE = 1 << 23
"""Weights that are drawn at a time."""


def _rezero(width: int, blocks: int) -> Network:
    """He-then-LeCun branches, each with a multiplier that starts at 0, and a linear readout."""
    *branches, readout = residual_mlp(width, blocks, classes=1).layers

    def silenced(layer: Layer, position: int) -> Layer:
        assert isinstance(layer, Residual)
        return Residual(Sequential((layer.branch, ScalarMultiplier(f"block{position}.multiplier", 0.0))))

    return Network((*(silenced(layer, position) for position, layer in enumerate(branches)), readout))


def nets(width: int, blocks: int, scalars: float) -> dict[str, tuple[Network, float]]:
    """Each way to start, with the mean of what a step moves f by; all but the standard ones have zero branches.

    The change of f = v^T x_L is the sum of its squared derivatives. Those in the readout v are ||x_L||^2, those in the
    branches their tangent kernel, over v of mean square norm 1. A bias has (1^T v)^2, of mean 1, and so have the two at
    the readout; a multiplier has (v^T F)^2, of mean ||F||^2 / n. All are divided by ||x_0||^2 = n.
    """

    def expected(first: float, last: float) -> float:
        growth = residual.second_moment_growth(residual.branch_gain(first, last), blocks)
        return float(branch_trace(blocks, width, width, first, last) + growth)

    def plain(last: Initialiser = lecun) -> Network:
        return residual_mlp(width, blocks, last_layer=last, classes=1)

    def fixup(with_scalars: bool) -> Network:
        return fixup_mlp(width, blocks, classes=1, zero_readout=False, scalars=with_scalars)

    flat = float(1 + fixup_trace(width, width))
    biases, multipliers = int(bias_count(blocks)) + 2, blocks * float(residual.branch_gain(1, 1))
    return {
        STANDARD: (plain(), expected(1, 1)),
        r"branches by $1/\sqrt{L}$": (plain(lecun.scaled(blocks**-0.5)), expected(1, blocks**-0.5)),
        "zero last layers": (plain(zero), expected(1, 0)),
        "ReZero": (_rezero(width, blocks), 1 + multipliers / width),
        "Fixup, scalars at 1/10": (fixup(True), flat + scalars * biases / width),
        "Fixup, no scalars": (fixup(False), flat),
    }


def moved(network: Network, x: Array, rate: float, scalars: float, rng: np.random.Generator, draws: int) -> Array:
    """Take a step on the loss f, scalars at their share of the rate; return what f falls by, over the rate."""
    before = network.draw(rng, draws)
    x = np.broadcast_to(x, (draws, *x.shape))
    run = network.run(before, x)
    after = dict(before)
    for name, gradient in run.gradients(np.ones((draws, 1, 1))).items():
        share = 1.0 if name.endswith("weight") else scalars
        after[name] = before[name] - share * rate * gradient.reshape(before[name].shape)
    fallen: Array = (run.output - network.run(after, x).output)[:, 0, 0] / rate
    return fallen


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Take the steps from an input of ones; rates are so small that f falls by 1e-7, far above rounding."""
    width, share = parameters["width"], parameters["scalars"]
    draws = max(40, int(DRAWS[effort] * parameters["draws"]))
    groups: list[dict[str, object]] = []
    fine = np.geomspace(1, parameters["blocks"][-1], 20).round().astype(int)
    for blocks in sorted({*fine.tolist(), *parameters["blocks"], *parameters["standard"]}):
        for start, (network, expected) in nets(width, blocks, share).items():
            if start == STANDARD and blocks > 2 * parameters["standard"][-1]:
                continue
            seen = np.full(2, np.nan)
            if blocks in parameters["standard" if start == STANDARD else "blocks"]:
                rng, at_once = stream(seed, "update", start, blocks), max(1, AT_ONCE // (2 * blocks * width**2))
                rate, parts = 1e-7 / (expected * width), [at_once] * (draws // at_once) + [draws % at_once]
                factor = 1.0 if start == "ReZero" else share
                seen = np.concatenate(
                    [moved(network, np.ones((1, width)), rate, factor, rng, part) / width for part in parts if part]
                )
            error = seen.std(ddof=1) / np.sqrt(len(seen))
            groups.append(dict(zip(UNITS, (start, blocks, expected, seen.mean(), error), strict=True)))
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw lines and points, each line named where it ends."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    deepest, top = parameters["blocks"][-1], 2e4
    for start, cycle, mark in zip(
        dict.fromkeys(table["start"].tolist()), plt.rcParams["axes.prop_cycle"], "v^Dso*", strict=False
    ):
        rows = table.where(start=start)
        blocks, expected, measured, error = (rows.numbers(column) for column in list(UNITS)[1:])
        axes.plot(blocks, expected, **cycle)
        axes.errorbar(blocks, measured, 3 * error, fmt=mark, capsize=2, **cycle)
        if start == STANDARD:
            end, offset = (np.exp(np.interp(np.log(4e3), np.log(expected), np.log(blocks))), 4e3), (-8, 0)
        else:
            end, offset = (deepest, expected[-1]), (8, 0)
        axes.annotate(
            start.replace(", ", ",\n"),
            end,
            offset,
            textcoords="offset points",
            va="center",
            ha="right" if offset[0] < 0 else "left",
            **cycle,
        )
    axes.set(
        xscale="log",
        yscale="log",
        xlim=(0.9, deepest * 1.15),
        ylim=(0.8, top),
        xlabel="residual blocks $L$",
        ylabel=r"change of $f$ in a step, $-\Delta f\,/\,(\eta\,\|x_0\|^2)$",
    )
    axes.set_title(FIGURE.title)
    return picture
