"""Lesson 10: one matrix again and again, what its powers do to gradients, and what an LSTM's cell keeps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from figures.tools.table import Table, stacked
from lessons.tools.exercise import Exercise
from simulations import Dense, Network, Sequential, Tanh, lecun, measure, stream
from simulations.layers.lstm import draw_cell
from theory.domain import number
from theory.recurrent import lstm, norms, tied_weights

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture

DRAWS, STEPS, WIDEST = 20_000, 6, 16
"""Draws of a small matrix; steps of which the mean is known; units of the widest net."""
SPAN, LONGEST = 20, 200
FEATURES, UNITS, CELLS = 4, 8, 200
"""Of the LSTM: what it reads, its units, and how many are drawn."""


def _table(**columns: object) -> Table:
    return stacked(dict.fromkeys(columns, "1"), dict(columns))


def tied(units: int, seed: int) -> Table:
    """Measure the mean square after every step of a linear net, with one matrix for all steps and with fresh ones."""
    found = {"step": np.arange(STEPS + 1), "expected": [1.0, *(_growth(units, step) for step in range(1, STEPS + 1))]}
    for name, again in (("tied", True), ("fresh", False)):
        network = Network(tuple(Dense("step" if again else f"step{t}", units, units, lecun) for t in range(STEPS)))
        rng = stream(seed, "lesson 10", name)
        record = measure(network, np.ones((1, units)), draws=DRAWS, rng=rng, extras=(), engine="drawn")
        found[name] = record.square_norms.mean(axis=0) / units
    return _table(**found)


def _growth(units: int, steps: int) -> float:
    return number(tied_weights.growth(units, steps))


def powers(eigenvalue: float, corner: float, steps: int) -> Table:
    """Pass gradients back through steps h' = tanh(h W) at rest, W = [[a, b], [0, a]], and take the largest stretch.

    `largest` is sigma_max(W)^t, which bounds it, and `radius` a^t, which does not.
    """
    matrix = np.array([[eigenvalue, corner], [0.0, eigenvalue]])
    sigma, ages = float(np.linalg.norm(matrix, 2)), np.arange(steps + 1)
    run = Network((Sequential((Dense("step", 2, 2), Tanh())),) * steps).run(
        {"step.weight": matrix[None]}, np.zeros((1, 2, 2))
    )
    jacobians = np.concatenate(run.backward(np.eye(2)[None]))[::-1]
    corners = [0.0, *(number(norms.power_corner(eigenvalue, corner, age)) for age in ages[1:])]
    return _table(
        step=ages,
        corner=np.abs(corners),
        largest=[number(norms.jacobian_bound(1, sigma, age)) for age in ages],
        radius=float(abs(eigenvalue)) ** ages,
        measured=[float(np.linalg.norm(one, 2)) for one in jacobians],
    )


def kept(bias: float, steps: int, seed: int) -> Table:
    """Pass cotangents back along the cells of LSTMs whose forget gates have this bias, with the paths through h cut.

    `direct` is the share that returns in closed form if no weight leads into the forget gates, and `measured` the
    median over units and draws; `weighted` is the median where these gates have weights like the others.
    """
    ages = np.unique(np.linspace(0, steps, 21).round().astype(int))
    found: dict[str, object] = {"step": ages}
    found["direct"] = [number(lstm.biased_path(bias, age)) if age else 1.0 for age in ages.tolist()]
    for name, weightless in (("measured", True), ("weighted", False)):
        rng = stream(seed, "lesson 10", "cell", name)
        cell = draw_cell(rng, CELLS, FEATURES, UNITS, init=lecun, forget_bias=bias if weightless else None)
        if not weightless:
            cell.bias[..., UNITS : 2 * UNITS] = bias
        x, start = rng.standard_normal((steps, CELLS, 1, FEATURES)), np.zeros((CELLS, 1, UNITS))
        shares = [
            cell.run(x[:age], start, start).pullback(start + 1, gate_paths=False)[0] if age else 1 for age in ages
        ]
        found[name] = [float(np.median(share)) for share in shares]
    return _table(**found)


def _drawn(table: Table, labels: Mapping[str, str], key: str, lines: Mapping[str, str], points: str) -> Axes:
    """Draw closed forms as lines and what was measured as points, by step."""
    import matplotlib.pyplot as plt

    _, axes = plt.subplots()
    axes.locator_params(axis="x", integer=True)
    for color, (name, style) in enumerate(lines.items()):
        axes.plot(table["step"], table[name], style, color=f"C{color}", label=labels[f"column {name}"])
    some = slice(None, None, max(1, len(table) // 20))
    axes.plot(table["step"][some], table[points][some], "o", color="C0", label=labels[f"column {points}"])
    axes.set(xlabel=labels["step axis"], ylabel=labels[f"{key} axis"], title=labels[f"{key} title"])
    return axes


def _finished(axes: Axes) -> Picture:
    picture = axes.get_figure(root=True)
    assert picture is not None
    axes.legend(loc="best")
    return picture


def draw_tied(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw both nets; fresh matrices have squares."""
    axes = _drawn(table, labels, "tied", {"expected": "-"}, "tied")
    axes.axhline(1.0, color="C1", linestyle="--", label=labels["one"])
    axes.plot(table["step"], table["fresh"], "s", color="C1", label=labels["column fresh"])
    axes.set_yscale("log")
    axes.minorticks_off()
    return _finished(axes)


def draw_powers(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw the stretch between its two rules."""
    axes = _drawn(table, labels, "powers", {"corner": "-", "largest": "--", "radius": ":"}, "measured")
    axes.set_yscale("log", nonpositive="mask")  # the corner is 0 at first
    axes.minorticks_off()
    floor = min(table.numbers("radius").min(), table.numbers("measured").min())
    axes.set_ylim(max(1e-12, floor / 3), 3 * min(1e12, table.numbers("largest").max()))
    return _finished(axes)


def draw_kept(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw what is kept of a cell."""
    axes = _drawn(table, labels, "kept", {"direct": "-"}, "measured")
    some = slice(None, None, max(1, len(table) // 20))
    axes.plot(table["step"][some], table["weighted"][some], "s", color="C1", label=labels["column weighted"])
    axes.set_ylim(-0.05, 1.05)
    return _finished(axes)


GUESSED_UNITS, GUESSED_STEPS = 2, 3
GUESSED_EIGENVALUE, GUESSED_CORNER, GUESSED_AGE = 0.9, 5.0, 5


def guessed_growth() -> float:
    """Return the mean square after three steps with one matrix of two units."""
    return _growth(GUESSED_UNITS, GUESSED_STEPS)


def guessed_stretch() -> float:
    """Return the largest stretch of five steps with the matrix of the question."""
    return float(powers(GUESSED_EIGENVALUE, GUESSED_CORNER, GUESSED_AGE)["measured"][-1])


def guessed_share() -> float:
    """Return what a forget bias of 1 keeps over twenty steps."""
    return number(lstm.biased_path(1, SPAN))


EXERCISES = (
    Exercise(
        "exercise 1",
        lambda n: tied_weights.growth(int(n), 2),
        at=[{"n": 2}, {"n": 3}, {"n": 10}],
        misconceptions={"fresh": lambda n: 1.0, "first": lambda n: 1 + 2 / n, "half": lambda n: 1 + 1 / n**2},
    ),
    Exercise(
        "exercise 2",
        lambda a, b, t: norms.power_corner(a, b, int(t)),
        at=[{"a": 0.5, "b": 2, "t": 3}, {"a": 0.9, "b": 5, "t": 5}, {"a": 2, "b": 1, "t": 4}],
        misconceptions={
            "once": lambda a, b, t: b * a ** (t - 1),
            "power": lambda a, b, t: b**t,
            "late": lambda a, b, t: t * b * a**t,
        },
    ),
    Exercise(
        "exercise 3",
        lambda T: -math.log(2 ** (1 / T) - 1),
        at=[{"T": 2}, {"T": 10}, {"T": 100}],
        misconceptions={
            "chrono": lambda T: math.log(T - 1),
            "gate": lambda T: 2 ** (-1 / T),
            "half": lambda T: 0.0,
        },
        tolerance=0.005,
    ),
)
