"""Glorot's histograms: activations and back-propagated gradients of a tanh net, layer by layer, for two starts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.table import Table, stacked
from simulations import Initialiser, Tanh, gaussian, glorot, mlp, stream, torch_default, uniform
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import norm
from theory.layer import one_layer
from theory.mean_field import tanh_maps
from theory.plain.glorot import glorot_variance

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="Normalised initialisation keeps a tanh net's activations and gradients off zero",
    finding=(
        "In 5 tanh layers of 1000 units the standard uniform start, of variance 1/(3n), shrinks activations to a "
        "deviation of 0.05 and gradients to 0.10 of the top's; the normalised one, of variance 1/n, keeps 0.32 and "
        "0.54."
    ),
    alt=(
        "Four panels of densities, one line a layer: activations above, back-propagated gradients below; standard "
        "start left, normalised start right. On the left the densities grow into spikes at 0, of activations at layer "
        "5 and of gradients at layer 1; on the right they stay broad. Points, measured, lie on the lines."
    ),
    source="Glorot & Bengio 2010, figures 6 and 7, with the laws of wide nets",
    parameters={"width": 1000, "layers": 5, "draws": 30},
    key={"line": "closed form for wide nets", "point": "measured"},
)
UNITS = {"quantity": "", "start": "", "layer": "1", "at": "1", "expected": "1", "measured": "1", "error": "1"}
EDGES = {"activations": np.linspace(-1, 1, 42), "gradients": np.linspace(-2, 2, 42)}
STARTS: dict[str, Initialiser] = {"standard": torch_default, "normalised": glorot.with_law(uniform)}
"""U(-1/sqrt n, 1/sqrt n), which is PyTorch's default too, and U(-sqrt(6/2n), sqrt(6/2n))."""


def below(bounds: Array, deviation: float) -> Array:
    """Return P(z <= bound), z ~ N(0, deviation^2)."""
    return np.array([math.erfc(-bound / deviation / math.sqrt(2)) / 2 for bound in bounds])


def laws(gain: float, layers: int) -> tuple[list[float], list[float]]:
    """Variances in wide nets, layers 1 to `layers`: of pre-activations, and of cotangents at activations."""
    variances, growths = [gain**2], []
    for _ in range(layers - 1):
        variances.append(tanh_maps.next_variance(gain, variances[-1]))
    for variance in variances[:0:-1]:
        growths.append(tanh_maps.gradient_growth(gain, variance))
    return variances, np.cumprod([1.0, *growths])[::-1].tolist()


def _counts(init: Initialiser, parameters: dict[str, Any], rng: np.random.Generator) -> dict[str, list[Array]]:
    """Shares of units in each bin, layers 1 to the last, for one draw of weights, input and cotangent."""
    width, layers = parameters["width"], parameters["layers"]
    network = mlp((width,) * (layers + 1), init=init, activation=Tanh())
    x = gaussian(rng, (1, 1, width))
    run = network.run(network.draw(rng, 1), x * (width**0.5 / norm(x))[..., None])
    cotangents = run.backward(gaussian(rng, (1, 1, width)))
    return {
        quantity: [np.histogram(state, EDGES[quantity])[0] / width for state in states[1:]]
        for quantity, states in (("activations", run.states), ("gradients", cotangents))
    }


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Bin a few nets, 1000 units a layer each."""
    width, layers = parameters["width"], parameters["layers"]
    draws, groups = max(10, int(DRAWS[effort] * parameters["draws"])), list[dict[str, object]]()
    variances = {"standard": one_layer.uniform_variance(width**-0.5), "normalised": glorot_variance(width, width)}
    for start, init in STARTS.items():
        rng = stream(seed, "histograms", start)
        found = [_counts(init, parameters, rng) for _ in range(draws)]
        forward, backward = laws(math.sqrt(width * float(variances[start])), layers)
        for quantity, edges in EDGES.items():
            step, inner = edges[1] - edges[0], edges.copy()
            if quantity == "activations":
                inner = np.arctanh(np.clip(edges, -1 + 1e-15, 1 - 1e-15))
            for layer, variance in enumerate(forward if quantity == "activations" else backward, 1):
                expected = np.diff(below(inner, math.sqrt(variance)))
                share = np.mean([one[quantity][layer - 1] for one in found], axis=0)
                error = np.sqrt(expected * (1 - expected) / (draws * width)) / step
                rows = {"at": (edges[1:] + edges[:-1]) / 2, "expected": expected / step, "measured": share / step}
                groups.append({"quantity": quantity, "start": start, "layer": layer, **rows, "error": error})
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw quantities in rows and starts in columns."""
    import matplotlib.pyplot as plt

    picture, panels = plt.subplots(2, 2, sharey="row", sharex="row")
    for row, quantity in enumerate(EDGES):
        for axes, start in zip(panels[row], STARTS, strict=True):
            for layer, color in enumerate(plt.get_cmap("viridis")(np.linspace(0, 0.85, parameters["layers"])), 1):
                rows = table.where(quantity=quantity, start=start, layer=float(layer))
                axes.plot(rows["at"], rows["expected"], color=color, linewidth=1.2)
                some, mark = slice(0, None, 2), "^vosD"[layer - 1]
                axes.plot(rows["at"][some], rows["measured"][some], mark, color=color, markersize=3, label=layer)
            axes.set(ylabel="density" if start == "standard" else "", yscale="log", ylim=(0.03, 15))
            if row == 0:
                axes.set_title(f"{start} start", fontsize=10)
    panels[0, 1].legend(
        title="layer", ncols=5, loc="upper center", fontsize=9, title_fontsize=9, handletextpad=0, columnspacing=0.8
    )
    for axes in panels[0]:
        axes.set(xlabel="activation $x_l$")
    for axes in panels[1]:
        axes.set(xlabel=r"gradient $\partial C/\partial x_l$")
    return picture
