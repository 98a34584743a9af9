"""Attention: how many keys a query sees at the start, and theorem 1 with and without what attention adds to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.drawing import measured
from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.table import Table, stacked
from simulations import one_hot, softmax_loss, stream
from simulations.attention.softmax import softmax
from simulations.layers.dense import Gradients
from simulations.numbers.arrays import Array
from simulations.transformer.recipes import NONE
from simulations.transformer.stack import transformer
from theory.attention import gradients, weights

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="A head sees fewer keys than there are, and theorem 1 does not hold through it",
    finding=(
        "At logits of deviation 1 a query sees T/e of many keys, and 7.5 of 16. "
        "Through two layers of attention the slope along the stream is not l - H, as theorem 1 has it, but l - H + 2 "
        "kappa, to rounding."
    ),
    alt=(
        "Two panels. Left: share of keys that a query sees against the deviation of its logits, falling curves for 4, "
        "16 and 256 keys with points on them. Right: slope of the loss along the stream against l - H, points off the "
        "diagonal, and against l - H + 2 kappa, points on it."
    ),
    source="Beyond Vaswani et al. 2017, section 3.2, and Zhang, Dauphin & Ma 2019, theorem 1",
    parameters={"keys": [4, 16, 256], "largest": 4.0, "width": 8, "positions": 4, "draws": 400, "nets": 100},
    tolerance=1e-6,
    key={"line": "closed form", "bars": "measured, bars of 3 standard errors (right: none)"},
)
UNITS = {"panel": "", "keys": "1", "x": "1", "expected": "1", "measured": "1", "error": "1"}


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Measure weights over independent normal logits, and slopes along the stream of nets without norms."""
    draws, groups = max(50, int(DRAWS[effort] * parameters["draws"])), list[dict[str, object]]()
    deviations = np.linspace(0.125, parameters["largest"], 16)
    for keys in parameters["keys"]:
        normals = stream(seed, "attention", "keys", keys).standard_normal((draws, keys))
        for deviation in deviations.tolist():
            squares = np.square(softmax(deviation * normals)[0]).sum(axis=1)
            mean, error = squares.mean(), squares.std(ddof=1) / draws**0.5
            share = 1 / (keys * mean)
            groups.append({
                "panel": "keys", "keys": [keys], "x": [deviation],
                "expected": [1 / weights.participation(keys, deviation)], "measured": [share],
                "error": [share * error / mean],
            })  # fmt: skip
    excess, kappa, slope = _slopes(parameters, max(20, int(DRAWS[effort] * parameters["nets"])), seed)
    told = [float(gradients.stream_slope(e, k)) for e, k in zip(excess.tolist(), kappa.tolist(), strict=True)]
    for panel, x in (("l - H", excess), ("l - H + 2 kappa", np.array(told))):
        groups.append({"panel": panel, "keys": 0, "x": x, "expected": x, "measured": slope, "error": np.zeros_like(x)})
    return stacked(UNITS, *groups)


def _slopes(parameters: dict[str, Any], nets: int, seed: int) -> tuple[Array, Array, Array]:
    """Loss less entropy, kappa of all attention, and <dl/dX, X> at the input, one a net."""
    width, positions, rng = parameters["width"], parameters["positions"], stream(seed, "attention", "slopes")
    network = transformer(width, 2, NONE, positions=positions, classes=3, hidden=width)
    drawn, x = network.draw(rng, nets), 1.5 * rng.standard_normal((nets, positions, width))
    run, into = network.run(drawn, x), Gradients()
    loss = softmax_loss(run.output, one_hot(rng.integers(3, size=(nets, positions)), 3))
    back = run.backward(loss.logit_gradient, into)
    queries = [f"block{layer}.attention.query.weight" for layer in range(2)]
    kappa = sum(
        (np.vecdot(into[q].array.reshape(nets, -1), drawn[q].reshape(nets, -1)) for q in queries), np.zeros(nets)
    )
    return (loss.loss - loss.entropy).sum(axis=1), kappa, (back[0] * x).sum(axis=(1, 2))


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw shares of keys on the left, slopes on the right."""
    import matplotlib.pyplot as plt

    picture, (left, right) = plt.subplots(1, 2, figsize=(9, 4.1))
    cycle = plt.rcParams["axes.prop_cycle"]
    for keys, color in zip(parameters["keys"], cycle, strict=False):
        rows = table.where(panel="keys", keys=keys)
        left.plot(rows["x"], rows["expected"], **color, label=f"{keys} keys")
        measured(left, rows, "x", "o", **color)
    left.set(
        xlabel="deviation $s$ of the logits", ylabel=r"share of keys seen, $1/(T\,\mathbb{E}\|a\|^2)$", ylim=(0, 1.02)
    )
    left.legend()
    _compare(table, right, list(cycle))
    return picture


def _compare(table: Table, axes: Axes, colors: list[dict[str, Any]]) -> None:
    whole = table.where(panel="l - H").numbers("measured")
    ends = [float(whole.min()), float(whole.max())]
    axes.plot(ends, ends, linewidth=0.8, color="0.5")
    labels = {"l - H": r"$\ell-H$ (theorem 1)", "l - H + 2 kappa": r"$\ell-H+2\kappa$"}
    for (panel, label), color in zip(labels.items(), colors, strict=False):
        rows = table.where(panel=panel)
        axes.plot(rows["x"], rows["measured"], "o", markersize=3, **color, label=label)
    axes.set(xlabel="what is claimed", ylabel=r"$\langle\partial\ell/\partial X,\,X\rangle$")
    axes.legend()
