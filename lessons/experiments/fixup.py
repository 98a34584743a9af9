"""Lesson 8: what one step of SGD does to L branches, and which power of L tames it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

from figures.tools.table import Table, stacked
from lessons.tools.exercise import Exercise
from simulations.experiments import scalar_branch
from theory import symbols
from theory.fixup import one_step
from theory.fixup import scalar_branch as scalar_branch_theory
from theory.fixup import scale as fixup_scale

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

DEPTHS = 10.0 ** np.arange(0, 5.5, 0.5)
"""Numbers of branches."""
RATE = 1e-3
SCALE = "fixup.fixup_scale"
RULES = {"sign": "the minus sign lost", "variance": "a variance", "last": "on the last layer only"} | {
    "counted": "L counts layers",
    "gpt": "1/sqrt(2L)",
    "all": "L^(-1/m)",
}
"""Fixup's scale as it is often written: wrong versions of the claim `SCALE`."""
STATEMENTS = {
    "adder": ("fixup.scalars_change_nothing_at_first", "a scalar adder initialised at 1"),
    "bias values": ("fixup.scalars_change_nothing_at_first", "the best bias scalars 0.2, 0.1, 0.7"),
    "data": ("residual.fixup_without_zeros", "the input data rescaled"),
    "free": ("fixup.biases_move_the_function_with_the_depth", "free of depth"),
}
"""What is often said of the rest of Fixup, each a wrong version of a claim."""
KEPT = {
    "kept exactly": ("training.layers_stay_in_balance", "conserved exactly"),
    "kept across": ("training.layers_stay_in_balance", "layers of different branches"),
    "kept by loss": ("training.loss_less_entropy_moves_every_layer", "by the loss alone"),
    "kept as decay": ("training.loss_less_entropy_moves_every_layer", "weight decay"),
}
"""What is often said of norms in training, likewise."""


def change(branches: int, percent: float) -> float:
    """Return (f_new - f) / f after a step that moves each of the branches, with zero last scales, by so much."""
    return float(one_step.zeroed_change(branches, -sp.Rational(str(percent)) / 100))


def zeros(branches: int, percent: float) -> Table:
    """Take one step, uphill, with chains of 1 to `branches` branches whose last scale is 0 and whose first is 1."""
    counts = np.unique(np.geomspace(1, branches, 25).round())
    t, measured = percent / 100, []
    for count in counts.astype(int):
        a = np.tile([1.0, 0.0], (count, 1))
        measured.append(float(scalar_branch.forward(scalar_branch.step(a, 1.0, -1.0, t), 1.0)) - 1)
    return stacked(
        {"branches": "1", "expected": "1", "measured": "1", "added": "1"},
        {
            "branches": counts,
            "expected": np.array([change(int(count), percent) for count in counts]),
            "measured": np.array(measured),
            "added": counts * t,
        },
    )


def draw_zeros(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw the change of f against the number of branches, and what it would be if branches added up."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    logs = {name: np.log10(table.numbers(name)) for name in table.units}
    axes.plot(logs["branches"], logs["expected"], label=labels["closed form"])
    axes.plot(logs["branches"], logs["measured"], "o", label=labels["measured"])
    axes.plot(logs["branches"], logs["added"], "--", color="0.5", label=labels["added"])
    axes.set(xlabel=labels["branches axis"], ylabel=labels["change axis"])
    axes.set_title(labels["zeros title"])
    axes.legend()
    return picture


def power(exponent: float, m: int) -> Table:
    """Take one step with L branches of m scales: the last one 0, the others L^-exponent; how far all move together.

    In units of what a single branch moves by.
    """
    measured, law = [], scalar_branch_theory.zeroed().result
    for count in DEPTHS:
        a = np.full((1, m), count**-exponent)
        a[:, -1] = 0
        measured.append(-count * scalar_branch.branch(scalar_branch.branch_step(a, 1.0, 1.0, RATE), 1.0)[0] / RATE)
    scale = symbols.SCALE
    known = {symbols.LAYERS: m, symbols.X: 1, symbols.LOSS_SLOPE: 1, symbols.RATE: 1}
    of_scale = sp.lambdify(scale, -law.subs(known))
    expected = [count * float(of_scale(count**-exponent)) for count in DEPTHS]
    return stacked(
        {"branches": "1", "expected": "1", "measured": "1"},
        {"branches": DEPTHS, "expected": np.array(expected), "measured": np.array(measured)},
    )


def slope(exponent: float, m: int) -> float:
    """Return the power of L with which all branches together move; the zeroed scale is the smallest of its branch."""
    return 1 + float(fixup_scale.update_exponent([*[exponent] * (m - 1), max(1, exponent)]))


def wanted(m: int) -> float | None:
    """Return Fixup's exponent 1 / (2m - 2), or None for one layer a branch."""
    return None if m == 1 else -float(fixup_scale.fixup_exponent(m))


def refusal() -> str:
    """Return what the theory says if it is asked for Fixup's exponent at one layer a branch."""
    try:
        fixup_scale.fixup_exponent(1)
    except ValueError as error:
        return str(error)
    raise AssertionError("theory.fixup.scale gives an exponent for one layer a branch")


def draw_power(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw the move of all branches together against their number, and the level that Fixup wants."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    logs = {name: np.log10(table.numbers(name)) for name in table.units}
    axes.axhline(0, color="0.5", linestyle="--", label=labels["flat"])
    axes.plot(logs["branches"], logs["expected"], label=labels["closed form"])
    axes.plot(logs["branches"], logs["measured"], "o", label=labels["measured"])
    axes.set_ylim(min(logs["expected"].min(), -2) - 0.5, max(logs["expected"].max(), 2) + 0.5)
    axes.set(xlabel=labels["branches axis"], ylabel=labels["move axis"])
    axes.set_title(labels["power title"])
    axes.legend()
    return picture


def after_step(L: float, t: float) -> float:
    """Return f_new / f after one step under Fixup."""
    return 1 + float(one_step.fixup_change(int(L), t))


def scale(L: float, m: float) -> float:
    """Return Fixup's factor."""
    return float(fixup_scale.fixup_scale(int(L), int(m)))


EXERCISES = (
    Exercise(
        "exercise 1",
        scale,
        at=[{"L": 16, "m": 2}, {"L": 10_000, "m": 3}, {"L": 64, "m": 4}],
        misconceptions={
            "sign": lambda L, m: 1 / scale(L, m),
            "variance": lambda L, m: scale(L, m) ** 2,
            "all": lambda L, m: L ** (-1 / m),
            "all half": lambda L, m: L ** (-1 / (2 * m)),
            "two": lambda L, m: L**-0.5,
        },
    ),
    Exercise(
        "exercise 2",
        lambda: scale(54, 2),
        misconceptions={
            "layers": lambda: scale(108, 2),
            "all layers": lambda: scale(110, 2),
            "variance": lambda: 1 / 54,
        },
        tolerance=0.003,
    ),
    Exercise(
        "exercise 3",
        after_step,
        at=[{"L": 2, "t": 0.5}, {"L": 3, "t": 0.3}, {"L": 5, "t": 1}],
        misconceptions={
            "limit": lambda L, t: math.exp(-t),
            "first order": lambda L, t: 1 - t,
            "zeros": lambda L, t: (1 - t) ** L,
            "change": lambda L, t: after_step(L, t) - 1,
            "uphill": lambda L, t: (1 + t / L) ** L,
        },
    ),
)
