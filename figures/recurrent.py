"""Gradients through time: a weight matrix used again at each step, and the cell of an LSTM at four forget biases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.table import Table, stacked
from simulations import Dense, Network, lecun, measure, stream
from simulations.layers.lstm import draw_cell
from theory.recurrent import lstm, tied_weights

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="Tied weights amplify gradients; an LSTM keeps what its gates keep",
    finding=(
        "With entries of variance 1/n, six steps back through six independent matrices keep the mean square gradient, "
        "but through one matrix six times they multiply it by 77 at n = 3 and by 8.2 at n = 6. The cell of an LSTM "
        "keeps sigma(b) a step: over 100 steps nothing at b = 0 or 1, half at b = 5, and 1/e at b = log 99."
    ),
    alt=(
        "Two charts on logarithmic axes. Left: mean square gradient against steps back, 0 to 6: curves rise for tied "
        "weights of 3 and of 6 units, and independent weights stay at 1. Right: share of the cell's gradient "
        "against steps back, 1 to 100: four curves sigma(b)^T, two of which fall below one millionth."
    ),
    source="Beyond Hochreiter & Schmidhuber 1997; the bias log(T - 1): Tallec & Ollivier 2018",
    parameters={"units": [3, 6], "steps": 6, "draws": 200_000, "span": 100, "biases": {"0": 0.0, "1": 1.0, "5": 5.0}},
    tolerance=1e-6,
)
UNITS = {"panel": "", "series": "", "step": "1", "expected": "1", "measured": "1", "error": "1"}


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Pass gradients back through tied and independent linear steps, and through the cell alone."""
    last, draws = parameters["steps"], int(DRAWS[effort] * parameters["draws"])
    steps, groups = np.arange(last + 1), []
    cases = [(f"tied, $n = {units}$", units, True) for units in parameters["units"]]
    cases.append((f"independent, $n = {parameters['units'][0]}$", parameters["units"][0], False))
    for series, units, is_tied in cases:
        network = Network(tuple(Dense("step" if is_tied else f"step{at}", units, units, lecun) for at in range(last)))
        settings: dict[str, Any] = {
            "draws": draws,
            "rng": stream(seed, "recurrent", series),
            "backward": True,
            "extras": (),
        }
        record = measure(network, np.eye(units)[:1], **settings)
        ratios = record.gradient_square_norms[:, ::-1] / units
        expected = [1.0] + [float(tied_weights.growth(units, int(step))) if is_tied else 1.0 for step in steps[1:]]
        error = (ratios.std(axis=0, ddof=1) / np.sqrt(len(ratios))).round(12)  # no noise where nothing is random
        means = {"measured": ratios.mean(axis=0), "error": error}
        groups.append({"panel": "tied", "series": series, "step": steps, "expected": expected} | means)
    span = parameters["span"]
    biases = parameters["biases"] | {rf"\log {span - 1}": float(lstm.chrono_bias(span))}
    for name, bias in biases.items():
        rng = stream(seed, "recurrent", "cell", name)
        cell = draw_cell(rng, 4, 3, 3, init=lecun.scaled(2), bias_deviation=1, forget_bias=bias)
        x, start, output = rng.standard_normal((span, 4, 1, 3)), *rng.standard_normal((2, 4, 1, 3))
        cotangent = np.ones((4, 1, 3))
        some = np.unique(np.geomspace(1, span, 14).round().astype(int))
        kept = [cell.run(x[:length], start, output).pullback(cotangent, gate_paths=False)[0] for length in some]
        expected = [float(lstm.biased_path(bias, int(length))) for length in some]
        means = {"measured": [one.mean() for one in kept], "error": 0.0}
        groups.append({"panel": "cell", "series": f"$b = {name}$", "step": some, "expected": expected} | means)
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw gradients through linear steps on the left, and through the cell on the right, on logarithmic axes."""
    import matplotlib.pyplot as plt

    picture, panels = plt.subplots(1, 2)
    places = iter([(2.4, 14), (4.3, 1.45), (2.2, 0.72), (1.2, 2e-2), (12, 0.06), (50, 1.2), (2.5, 1.6)])
    for axes, panel in zip(panels, ("tied", "cell"), strict=True):
        rows, markers = table.where(panel=panel), iter("os^D")
        for series, color in zip(dict.fromkeys(rows["series"].tolist()), plt.rcParams["axes.prop_cycle"], strict=False):
            one = rows.where(series=series)
            axes.plot(one["step"], one["expected"], **color)
            bars = 3 * one.numbers("error")
            axes.errorbar(one["step"], one["measured"], bars, fmt=next(markers), capsize=2, **color)
            axes.annotate(series, next(places), **color)
    left, right = panels
    left.set(
        yscale="log",
        ylim=(0.6, 120),
        xlabel="steps back $t$",
        ylabel=r"mean square gradient $\mathbb{E}\,\|g_t\|^2\,/\,\|g_0\|^2$",
    )
    right.set(xscale="log", yscale="log", ylim=(1e-6, 5), xlabel="steps back $T$")
    right.set_ylabel(r"kept by the cell $\partial c_T\,/\,\partial c_0$")
    return picture
