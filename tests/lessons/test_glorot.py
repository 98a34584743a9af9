"""Lesson 3: what is measured agrees with its closed form, and closed forms with computations of their own."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from lessons.experiments import glorot as lesson
from theory.plain import compromise

ERRORS = 5
"""Standard errors allowed to an average over thousands of draws: a false alarm in a million comparisons, or so."""


@pytest.mark.parametrize(("fan_in", "fan_out"), [(100, 300), (10, 10), (500, 10)])
def test_gains_of_a_layer(fan_in: int, fan_out: int) -> None:
    """Gains of Gaussian layers are chi-square over their degrees of freedom, the units that they lead to."""
    draws = 4000
    table = lesson.conditions(fan_in, fan_out, seed=1, draws=draws)
    for direction, units in (("forward", fan_out), ("backward", fan_in)):
        ratios = table.numbers(direction) / table.numbers(f"{direction} expected")
        assert np.abs(ratios - 1).max() < ERRORS * math.sqrt(2 / units / draws)


@pytest.mark.parametrize("rule", ["glorot", "geometric", "mean of fans"])
def test_gains_against_the_ratio_of_the_fans(rule: str) -> None:
    draws, largest = 1000, 16
    table = lesson.ratios(rule, largest, seed=1, draws=draws)
    assert table.numbers("ratio")[[0, 4, -1]] == pytest.approx([1 / largest, 1, largest], rel=1e-12)
    for direction in lesson.DIRECTIONS:
        ratios = table.numbers(direction) / table.numbers(f"{direction} expected")
        assert np.abs(ratios - 1).max() < ERRORS * math.sqrt(2 / lesson.SMALLER / draws)


@pytest.mark.parametrize("rule", list(lesson.VARIANCES))
def test_nets_of_alternating_widths(rule: str) -> None:
    """Relative variance of a product of chi-squares: the factors 1 + 2/n, less 1, at most that of all layers."""
    width, other, depth, draws = 50, 80, 6, 4000
    table = lesson.alternating(width, other, depth, rule, seed=1, draws=draws)
    spread = ((1 + 2 / width) * (1 + 2 / other)) ** (depth / 2) - 1
    for direction in lesson.DIRECTIONS:
        ratios = table.numbers(direction) / table.numbers(f"{direction} expected")
        assert np.abs(ratios - 1).max() < ERRORS * math.sqrt(spread / draws)


@pytest.mark.parametrize(("fan_in", "fan_out"), [(100, 300), (7, 3)])
def test_gains_of_glorot_are_the_compromise_s(fan_in: int, fan_out: int) -> None:
    both = lesson.expected("glorot", fan_in, fan_out)
    assert both == pytest.approx(
        [float(gain(fan_in, fan_out)) for gain in (compromise.forward, compromise.backward)], rel=1e-12
    )
    assert both == pytest.approx([2 * fan_in / (fan_in + fan_out), 2 * fan_out / (fan_in + fan_out)], rel=1e-12)


@pytest.mark.parametrize(
    ("rule", "variance"),
    [
        ("fan-in", 1 / 100),
        ("fan-out", 1 / 300),
        ("glorot", 1 / 200),
        ("geometric", 3e4**-0.5),
        ("mean of fans", 1 / 150),
    ],
)
def test_variances(rule: str, variance: float) -> None:
    assert lesson.expected(rule, 100, 300) == pytest.approx((100 * variance, 300 * variance), rel=1e-12)


def test_closed_forms_of_a_net_are_products_of_its_layers() -> None:
    table = lesson.alternating(40, 100, 5, "fan-in", seed=0, draws=2)
    widths = table.numbers("width")
    assert widths.tolist() == [40, 100, 40, 100, 40, 100]
    steps = [after / before for before, after in pairwise(widths)]
    assert table.numbers("forward expected") == pytest.approx(np.ones(6), rel=1e-12)
    assert table.numbers("backward expected") == pytest.approx([math.prod(steps[at:]) for at in range(6)], rel=1e-12)


def test_guesses() -> None:
    assert lesson.guessed_backward() == pytest.approx(3, rel=1e-12)
    assert lesson.guessed_depth() == pytest.approx(0.75**10, rel=1e-12)
    table = lesson.alternating(100, 300, 20, "glorot", seed=0, draws=2)
    assert table.numbers("forward expected")[-1] == pytest.approx(lesson.guessed_depth(), rel=1e-12)
    assert table.numbers("backward expected")[0] == pytest.approx(lesson.guessed_depth(), rel=1e-12)
