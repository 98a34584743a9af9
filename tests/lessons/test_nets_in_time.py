"""Lesson 10: what it measures agrees with the closed forms beside it, and these with computations of their own.

Means may lie 6 standard errors off, which normal ones do with probability 2e-9; the standard errors come from exact
second moments.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from lessons.experiments import nets_in_time as lesson
from theory.recurrent import tied_weights

ERRORS = 6


@pytest.mark.slow
def test_one_matrix_amplifies_and_new_ones_do_not() -> None:
    """Two steps, of which the second moment is exact; a new matrix a step has (1 + 2/n)^2 of it."""
    units = 3
    table = lesson.tied(units, seed=3)
    assert table["expected"][:4].tolist() == pytest.approx([1, 1, 1 + 2 / 9, 1 + 10 / 9 + 4 / 27])
    tied = float(tied_weights.second_moment(units, 2)) - float(table["expected"][2]) ** 2
    fresh = (1 + 2 / units) ** 2 - 1
    for name, truth, variance in (("tied", table["expected"][2], tied), ("fresh", 1.0, fresh)):
        assert abs(table[name][2] - truth) < ERRORS * math.sqrt(variance / lesson.DRAWS)
    assert table["tied"][2] - 1 > ERRORS * math.sqrt(fresh / lesson.DRAWS)


def test_closed_form_of_one_unit_is_a_moment_of_a_normal() -> None:
    """W^t is w^t, and E w^(2t) is the double factorial of 2t - 1."""
    assert lesson.tied(1, seed=0).numbers("expected").tolist() == [1, 1, 3, 15, 105, 945, 10395]


@pytest.mark.parametrize(("eigenvalue", "corner"), [(0.9, 5.0), (0.1, 5.0), (1.2, 0.0), (0.5, 8.0)])
def test_stretch_is_the_norm_of_the_power(eigenvalue: float, corner: float) -> None:
    table = lesson.powers(eigenvalue, corner, 12)
    matrix = np.array([[eigenvalue, corner], [0, eigenvalue]])
    for step in range(13):
        power = np.linalg.matrix_power(matrix, step)
        assert table["measured"][step] == pytest.approx(np.linalg.norm(power, 2), rel=1e-12)
        assert table["corner"][step] == pytest.approx(power[0, 1], rel=1e-12)
        assert table["radius"][step] * (1 - 1e-12) <= table["measured"][step] <= table["largest"][step] * (1 + 1e-12)


def test_cell_keeps_what_its_gates_keep() -> None:
    table = lesson.kept(0.5, 30, seed=3)
    gate = 1 / (1 + math.exp(-0.5))
    np.testing.assert_allclose(table.numbers("direct"), gate ** table.numbers("step"), rtol=1e-12)
    np.testing.assert_allclose(table.numbers("measured"), table.numbers("direct"), rtol=1e-12)


def test_weights_in_the_forget_gates_cost_some() -> None:
    """Log sigma is concave, so the mean of its logarithm over symmetric inputs lies below that at the bias."""
    table = lesson.kept(1.0, 40, seed=3)
    assert table["weighted"][-1] < table["direct"][-1]


def test_guesses_of_the_questions() -> None:
    assert lesson.guessed_growth() == pytest.approx(4)
    assert lesson.guessed_stretch() == pytest.approx(np.linalg.norm(np.array([[0.59049, 16.4025], [0, 0.59049]]), 2))
    assert lesson.guessed_share() == pytest.approx((math.e / (1 + math.e)) ** 20)


def test_bias_of_exercise_3_keeps_half() -> None:
    for span in (1, 7):
        bias = float(lesson.EXERCISES[2].truth(T=span))
        assert float(1 / (1 + math.exp(-bias))) ** span == pytest.approx(0.5)
