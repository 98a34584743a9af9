"""Glorot's compromise: forward and backward gain of a layer whose fans differ, under four choices of the variance."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.table import Table, row, stacked
from simulations import Initialiser, measure, mlp, stream
from theory.plain import compromise
from theory.plain import norms as plain
from theory.plain.glorot import backward_variance, forward_variance, geometric_variance, glorot_variance

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="Where the fans differ, what Glorot's variance gains one way it loses the other",
    finding=(
        "At fan_out = 16 fan_in a linear layer with Glorot's variance multiplies the mean square by 0.12 forwards and "
        "1.88 backwards: the two gains add to 2 but multiply to 0.22, as two layers there and back do; the geometric "
        "mean of the fans gives 1/4 and 4, of product 1, and each of the fans "
        "(He's two choices, here without the ReLU and its factor 2) serves one direction alone."
    ),
    alt=(
        "Two panels of lines on logarithmic axes: gain of a layer, forwards and backwards, against fan_out / fan_in, "
        "1/16 to 16. Forwards the fan-in line is flat, fan-out and the geometric mean fall as 1/r and 1/sqrt r, "
        "Glorot's bends from 2 down to 2/r; backwards is the mirror image. Points lie on the lines."
    ),
    source="Beyond Glorot & Bengio 2010, equation 12; He, Zhang, Ren & Sun 2015, section 2.2",
    parameters={"product": 1 << 20, "fans": [4096, 2048, 1024, 512, 256], "draws": 400},
)
DIRECTIONS = "forwards", "backwards"
UNITS = {"direction": "", "variance": "", "ratio": "1", "expected": "1", "measured": "1", "error": "1"}
VARIANCES: dict[str, Callable[[int, int], sp.Expr]] = {
    "fan-in": lambda fan_in, fan_out: forward_variance(fan_in),
    "fan-out": lambda fan_in, fan_out: backward_variance(fan_out),
    "geometric mean": geometric_variance,
    "Glorot": glorot_variance,
}
BASE = 256
"""The fan-in at which the lines are drawn; gains depend on the ratio of the fans alone."""


def gains(variance: str, fan_in: int, fan_out: int) -> dict[str, float]:
    """Return what a linear layer multiplies the mean square of a unit by, and that of an entry of the cotangent."""
    if VARIANCES[variance] is glorot_variance:
        both = compromise.forward(fan_in, fan_out), compromise.backward(fan_in, fan_out)
    else:
        ratio, of = sp.Rational(fan_out, fan_in), VARIANCES[variance](fan_in, fan_out)
        both = plain.layer_factor(fan_out, of, 1) / ratio, plain.layer_factor(fan_in, of, 1) * ratio
    return {name: float(one) for name, one in zip(DIRECTIONS, both, strict=True)}


def _number(variance: Callable[[int, int], sp.Expr], fan_in: int, fan_out: int) -> float:
    return float(variance(fan_in, fan_out))


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Measure one linear layer whose weights are never drawn, from an input of ones and a cotangent of random signs."""
    draws = max(20, int(DRAWS[effort] * parameters["draws"]))
    groups: list[dict[str, object]] = []
    for name, variance in VARIANCES.items():
        fans = [(BASE, round(BASE * 2**power)) for power in np.linspace(-4, 4, 33)]
        exact = [gains(name, *pair) for pair in fans]
        for direction in DIRECTIONS:
            line = [one[direction] for one in exact]
            groups.append(row(UNITS, direction, name, [after / before for before, after in fans], line, np.nan, np.nan))
        for fan_in in parameters["fans"]:
            fan_out = parameters["product"] // fan_in
            record = measure(
                mlp([fan_in, fan_out], init=Initialiser(partial(_number, variance)), activation=None),
                np.ones((1, fan_in)),
                draws=draws,
                rng=stream(seed, "compromise", name, fan_in),
                backward=True,
                engine="undrawn",
                extras=(),
            )
            ahead, back = record.square_norms, record.gradient_square_norms
            ratio, expected = fan_out / fan_in, gains(name, fan_in, fan_out)
            seen = ahead[:, 1] / ahead[:, 0] / ratio, back[:, 0] / back[:, 1] * ratio
            for direction, one in zip(DIRECTIONS, seen, strict=True):
                error = one.std(ddof=1) / np.sqrt(len(one))
                groups.append(row(UNITS, direction, name, ratio, expected[direction], one.mean(), error))
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw the two directions side by side on one scale, the lines named where there is room."""
    import matplotlib.pyplot as plt

    picture, both = plt.subplots(1, 2, sharey=True)
    looks = {"Glorot": "-o", "fan-in": "--s", "fan-out": "-.^", "geometric mean": "-D"}
    for axes, direction in zip(both, DIRECTIONS, strict=True):
        handles = []
        for (name, look), cycle in zip(looks.items(), plt.rcParams["axes.prop_cycle"], strict=False):
            rows, color = table.where(direction=direction, variance=name), cycle["color"]
            ratio, expected, measured, error = (rows.numbers(column) for column in list(UNITS)[2:])
            seen = np.isfinite(measured)
            (lines,) = axes.plot(ratio[~seen], expected[~seen], look[:-1], color=color)
            points = axes.errorbar(ratio[seen], measured[seen], 3 * error[seen], fmt=look[-1], color=color)
            handles.append((lines, points))
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        axes.set(xlabel=r"ratio of the fans $n_{out}/n_{in}$", xticks=[1 / 16, 1 / 4, 1, 4, 16], ylim=(1 / 20, 20))
        axes.set_xticklabels(["1/16", "1/4", "1", "4", "16"])
        axes.set_yticks([1 / 16, 1 / 4, 1, 4, 16], ["1/16", "1/4", "1", "4", "16"])
        axes.set_title(direction, fontsize=10, loc="center")
    both[0].legend(handles, looks, loc="lower left", handlelength=3)
    both[0].set_ylabel("gain of the mean square in a layer")
    return picture
