"""Lesson 9: products with matrices that are never drawn, asked once, asked again, and what they cost."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

from figures.speed import NUMBERS
from figures.tools.table import Table, stacked
from lessons.tools.exercise import Exercise
from simulations import Initialiser, lecun, stream, uniform
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import gaussian, rademacher
from simulations.weights.undrawn import Undrawn
from theory.independence import conditioning
from theory.symbols import VARIANCE

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

LAWS = {"gaussian": gaussian, "uniform": uniform, "rademacher": rademacher}
DRAWS, PAIRS, SHOWN = 8000, 4000, 400
CHANCE = 1e-3
"""How often two samples of one law are further apart than `critical`."""


def drawn(law: str) -> Initialiser:
    """Return weights of variance 1/n and of this law."""
    return lecun.with_law(LAWS[law])


def answers(width: int, law: str, seed: int) -> Table:
    """Compare laws of one unit of x W: drawn entries, no entries, and the normal law; x is all ones."""
    rng = stream(seed, "lesson 9", "answers")
    x = np.ones((DRAWS, 1, width))
    entries = drawn(law).draw(rng, DRAWS, width, 1)
    without = Undrawn(rng, DRAWS, width, 1, drawn("gaussian").deviation(width, 1))
    grid = np.linspace(-3.5, 3.5, 281)
    columns: dict[str, object] = {"value": grid, "expected": [statistics.NormalDist().cdf(value) for value in grid]}
    for name, one in (("drawn", x @ entries), ("undrawn", x @ without)):
        columns[name] = np.searchsorted(np.sort(one[:, 0, 0]), grid, side="right") / DRAWS
    return stacked({"value": "1", "expected": "1", "drawn": "1", "undrawn": "1"}, columns)


def distance(table: Table, first: str, second: str) -> float:
    """Return the largest difference of two distribution functions on the grid."""
    return float(np.abs(table.numbers(first) - table.numbers(second)).max())


def critical(draws: int = DRAWS) -> float:
    """Return what two samples of one law exceed with probability `CHANCE` at most (Wei & Dudley 2012)."""
    return math.sqrt(math.log(2 / CHANCE) / draws)


def draw_answers(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw the three distribution functions."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    axes.plot(table["value"], table["expected"], color="0.5", linewidth=4, alpha=0.5, label=labels["normal"])
    axes.plot(table["value"], table["drawn"], label=labels["drawn"])
    axes.plot(table["value"][::10], table["undrawn"][::10], "o", markersize=5, label=labels["undrawn"])
    axes.set(xlabel=labels["value axis"], ylabel=labels["cdf axis"], ylim=(0, 1))
    axes.set_title(labels["answers title"])
    axes.legend()
    return picture


def rows_at(width: int, degrees: float) -> tuple[Array, Array]:
    """Return two rows of length 1 at an angle: a flat one, and one turned towards alternating signs."""
    flat = np.full(width, width**-0.5)
    turn = math.radians(degrees)
    signs = flat * (-1.0) ** np.arange(width)
    return flat, math.cos(turn) * flat + math.sin(turn) * signs


def again(width: int, degrees: float, law: str, memory: str, seed: int) -> Table:
    """Ask one matrix of variance 1 an entry twice, drawn and undrawn; each pair is of an own matrix.

    With memory "forgets" the second answer comes from a matrix that was never asked.
    """
    rng = stream(seed, "lesson 9", "again")
    first, second = (np.broadcast_to(row, (PAIRS, 1, width)) for row in rows_at(width, degrees))
    entries = drawn(law).draw(rng, PAIRS, width, 1) * math.sqrt(width)
    undrawn, other = (Undrawn(rng, PAIRS, width, 1, 1.0) for _ in range(2))
    asked = {"drawn": (first @ entries, second @ entries)}
    asked["undrawn"] = first @ undrawn, second @ (undrawn if memory == "remembers" else other)
    rows: list[dict[str, object]] = [
        {"kind": kind, "first": one[:, 0, 0].round(9), "second": two[:, 0, 0].round(9)}
        for kind, (one, two) in asked.items()
    ]
    return stacked({"kind": "", "first": "1", "second": "1"}, *rows)


def conditional(degrees: float) -> tuple[float, float]:
    """Return slope and standard deviation of a Gaussian matrix's second answer, given the first."""
    values = {VARIANCE: 1, conditioning.ANGLE: sp.rad(sp.Rational(str(degrees)))}
    slope = float(conditioning.answer_and_known().at(values))
    return slope, math.sqrt(max(0.0, float(conditioning.answer().at(values)) - slope**2))


def line_of(table: Table, kind: str) -> tuple[float, float]:
    """Return slope and standard deviation of the second answers about a line through 0, fitted to the first."""
    rows = table.where(kind=kind)
    first, second = rows.numbers("first"), rows.numbers("second")
    slope = float(first @ second / (first @ first))
    return slope, float(np.sqrt(np.square(second - slope * first).mean()))


def on_squares(table: Table, kind: str) -> float:
    """Return the correlation of the two answers' squares: 0 if they are independent."""
    rows = table.where(kind=kind)
    first, second = (np.square(rows.numbers(name)) for name in ("first", "second"))
    spread = first.std() * second.std()
    return float(((first - first.mean()) * (second - second.mean())).mean() / spread) if spread > 1e-6 else 0.0


def told(table: Table, degrees: float) -> dict[str, object]:
    """Return the caption's numbers by name, to three digits: slope, deviation and correlation of squares.

    "slope" is what theory says, "drawn_slope" and "undrawn_slope" what the table of `again` gives; the others alike.
    """
    slope, deviation = conditional(degrees)
    said: dict[str, object] = {"slope": slope, "deviation": deviation, "squares": slope**2}
    for kind in ("drawn", "undrawn"):
        said |= dict(zip((f"{kind}_slope", f"{kind}_deviation"), line_of(table, kind), strict=True))
        said[f"{kind}_squares"] = on_squares(table, kind)
    return {name: round(float(str(one)), 3) + 0.0 for name, one in said.items()}


def drawn_at(degrees: float) -> Callable[[Table, Mapping[str, str]], Picture]:
    """Return `draw_again` at this angle, as a function of table and labels alone, which `show.panel` takes."""
    return partial(draw_again, degrees=degrees)


def draw_again(table: Table, labels: Mapping[str, str], degrees: float) -> Picture:
    """Draw some pairs of answers, and the conditional mean with two conditional standard deviations about it."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    slope, deviation = conditional(degrees)
    ends = np.array([-4.5, 4.5])
    axes.fill_between(ends, slope * ends - 2 * deviation, slope * ends + 2 * deviation, color="0.88")
    axes.plot(ends, slope * ends, color="0.4", label=labels["conditional"])
    for kind, mark in (("undrawn", "x"), ("drawn", "o")):
        rows = table.where(kind=kind)
        axes.plot(rows["first"][:SHOWN], rows["second"][:SHOWN], mark, markersize=4, alpha=0.6, label=labels[kind])
    axes.set(xlabel=labels["first axis"], ylabel=labels["second axis"], xlim=(-4.5, 4.5), ylim=(-5, 6.5))
    axes.set_title(labels["again title"])
    axes.legend(loc="upper left", ncols=3, fontsize=9.5)
    return picture


def left_open(k: float, s: float) -> float:
    """Return the variance that a known answer leaves to another one, at the cosine k, for weights of deviation s."""
    values = {VARIANCE: s**2, conditioning.ANGLE: math.acos(k)}
    known = float(conditioning.answer_and_known().at(values))
    return float(conditioning.answer().at(values)) - known**2 / s**2


EXERCISES = (
    Exercise(
        "exercise 1",
        lambda n, B: NUMBERS["undrawn"](int(n)) * B,
        at=[{"n": 100, "B": 3}, {"n": 7, "B": 5}],
        misconceptions={
            "drawn": lambda n, B: n**2,
            "forward": lambda n, B: n * B,
            "one input": lambda n, B: 2 * n,
            "drawn anew": lambda n, B: n**2 * B,
        },
    ),
    Exercise(
        "exercise 2",
        left_open,
        at=[{"k": 0.6, "s": 2}, {"k": 0.25, "s": 0.7}],
        misconceptions={
            "fresh": lambda k, s: s**2,
            "cosine": lambda k, s: s**2 * (1 - k),
            "deviation": lambda k, s: s * math.sqrt(1 - k**2),
            "known": lambda k, s: s**2 * k**2,
            "unit": lambda k, s: 1 - k**2,
        },
    ),
    Exercise(
        "exercise 3",
        lambda: math.sqrt(conditioning.gradient_square(inner=3, square_norm=4, variance=0, spread=1, active=1)),
        misconceptions={"independent": lambda: 0, "inner": lambda: 3, "square": lambda: 0.75, "times": lambda: 6},
        tolerance=1e-3,
    ),
)
STATEMENTS = {
    "independent": ("independence.undrawn_equals_drawn", "the gradient-independence assumption"),
    "variance": ("independence.undrawn_equals_drawn", "entries of another law"),
    "anew": ("independence.undrawn_weights_are_used_again", "reused weights treated as fresh"),
}
"""What is often said of random weights, each a wrong version of a claim."""
