"""Activation functions: where each saturates, and the gain that its second moment asks of the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.drawing import beside
from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.table import Table, stacked
from simulations import LeakyReLU, Tanh, gaussian, stream
from simulations.layers.activations import GELU, SELU, Sigmoid
from simulations.layers.dense import Layer
from theory.layer import gains, rectifiers

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="Saturating activations ask for the largest gains; SELU alone needs none",
    finding=(
        "The gain 1/sqrt(E phi(z)^2), z ~ N(0, 1), is 1 for SELU, which was made for it, sqrt 2 for ReLU, 1.53 for "
        "GELU, 1.59 for tanh and 1.85 for the sigmoid, 85 % of whose second moment is its squared mean; "
        "slopes fall below a tenth beyond 1.8 for tanh and 2.1 for the sigmoid."
    ),
    alt=(
        "Six small graphs of sigmoid, tanh, ReLU, leaky ReLU, SELU and GELU with their dashed slopes, shaded where the "
        "slope is below a tenth, and a chart of their gains: exact values as lines, measured ones as points, from "
        "SELU at 1 to the sigmoid at 1.85."
    ),
    source="Glorot & Bengio 2010; He et al. 2015; Klambauer et al. 2017",
    parameters={"saturated": 0.1, "slope": 0.2, "draws": 100_000},
)
UNITS = {"part": "", "activation": "", "at": "1", "slope": "1", "expected": "1", "measured": "1", "error": "1"}
GRID = np.linspace(-4, 4, 161)


def _all(slope: float) -> dict[str, tuple[Layer, float]]:
    """Each activation with the exact E phi(z)^2, z ~ N(0, 1)."""
    return {
        "sigmoid": (Sigmoid(), float(gains.second_moment("sigmoid"))),
        "tanh": (Tanh(), float(gains.second_moment("tanh"))),
        "ReLU": (LeakyReLU(), float(gains.second_moment("relu"))),
        f"leaky {slope:g}": (LeakyReLU(slope), float(rectifiers.leaky_second_moment(slope, 1))),
        "SELU": (SELU(), float(gains.second_moment("SELU"))),
        "GELU": (GELU(), float(gains.second_moment("GELU"))),
    }


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Tabulate values and slopes (of which nothing is expected: NaN), and measure the gains."""
    draws, groups = max(1000, int(DRAWS[effort] * parameters["draws"])), list[dict[str, object]]()
    for name, (layer, second) in _all(parameters["slope"]).items():
        value, pullback = layer.forward({}, GRID)
        nothing = {"expected": np.nan, "error": np.nan}
        curve = {"at": GRID, "slope": pullback(np.ones_like(GRID), None), "measured": value}
        groups.append({"part": "curve", "activation": name, **curve, **nothing})
        squares = layer.forward({}, gaussian(stream(seed, "activations", name), (draws,)))[0] ** 2
        gain = squares.mean() ** -0.5
        error = gain / 2 * squares.std(ddof=1) / squares.mean() / draws**0.5  # to first order in that of the mean
        found = {"at": np.nan, "slope": np.nan, "expected": second**-0.5, "measured": gain, "error": error}
        groups.append({"part": "gain", "activation": name, **found})
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw six small graphs and, on their right, the gains in their order."""
    import matplotlib.pyplot as plt

    picture = plt.figure()
    grid = picture.add_gridspec(2, 4, width_ratios=(1, 1, 1, 1.7))
    found = table.where(part="gain")
    names, first = found["activation"].tolist(), None
    for place, name in enumerate(names):
        rows = table.where(part="curve", activation=name)
        axes = first = picture.add_subplot(grid[divmod(place, 3)], sharex=first, sharey=first)
        flat = np.abs(rows.numbers("slope")) < parameters["saturated"]
        axes.fill_between(rows["at"], 0, 1, where=flat, transform=axes.get_xaxis_transform(), color="0.88", linewidth=0)
        axes.plot(rows["at"], rows["measured"], color="C0")
        axes.plot(rows["at"], rows["slope"], "--", color="C1", linewidth=1.1)
        axes.set_title(name, fontsize=10)
        axes.set(xlim=(-4, 4), ylim=(-2, 3), xticks=[-3, 0, 3], yticks=[-1, 0, 1, 2])
        axes.tick_params(labelleft=place % 3 == 0, labelbottom=place > 2, labelsize=9)
        axes.set_xlabel("$z$" if place > 2 else "")
        axes.set_ylabel(r"$\phi$, $\phi'$ (dashed)" if place % 3 == 0 else "")
    order = np.argsort(found.numbers("expected"))
    axes = picture.add_subplot(grid[:, 3])
    places = np.arange(len(names))
    axes.vlines(found["expected"][order], places - 0.3, places + 0.3, color="0.3")
    axes.errorbar(
        found["measured"][order],
        places,
        xerr=3 * found.numbers("error")[order],
        fmt="o",
        color="C0",
        capsize=2,
    )
    for row, gain in enumerate(found["expected"][order]):
        beside(axes, f"{gain:.3f}", (gain, row), (-6, 0), fontsize=9)
    axes.set_yticks(places, [names[position] for position in order], fontsize=9)
    axes.set(xlabel=r"gain $1/\sqrt{\mathbb{E}\,\phi(z)^2}$", xlim=(0.5, 2), ylabel="activation")
    axes.grid(visible=False, axis="y")
    return picture
