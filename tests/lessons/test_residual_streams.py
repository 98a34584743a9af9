"""Lesson 6: what it measures agrees with the closed forms beside it, and these with computations of their own.

Measured means may lie 6 standard errors off, which normal ones do with probability 2e-9; the standard errors come from
exact variances or bounds, not from the draws.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from lessons.experiments import residual_streams as lesson
from simulations import stream
from theory.normalisation import branches as normalised_branches
from theory.residual import fluctuations as residual_fluctuations

ERRORS = 6


def _error(width: int, gain: float, blocks: int, draws: int) -> float:
    """Return the relative standard error of a mean square norm, or of a gradient's, after so many blocks."""
    moment = float(residual_fluctuations.growth_relative_second_moment(width, width, gain, blocks))
    return math.sqrt(((1 + 2 / width) * moment - 1) / draws)


@pytest.mark.parametrize(
    ("start", "gain", "factor"),
    [("lecun", 1, 2.0), ("he", 2, 3.0), ("scaled", 1 / 6, 7 / 6), ("half", 1, 1.0)],
)
def test_stream_grows_as_the_closed_form_says(start: str, gain: float, factor: float) -> None:
    table = lesson.sizes(start, 6, 128, seed=3)
    draws = lesson.DRAWS if start == "half" else lesson.RADIAL_DRAWS
    np.testing.assert_allclose(table.numbers("expected"), factor ** np.arange(7), rtol=1e-12)
    for block in range(1, 7):
        error = _error(128, gain, block, draws)
        assert abs(table["measured"][block] / table["expected"][block] - 1) < ERRORS * error


def test_first_rectified_block_grows_as_its_integral_says() -> None:
    """From an input of ones: E relu(1 + t)^2 = 2 Phi(1) + phi(1), exact as widths grow; width 512 is 2 % off at most.

    Given the hidden layer the units are independent, and relu(1 + t)^2 has a standard deviation below 3.
    """
    table = lesson.sizes("relu", 1, 512, seed=3)
    by_hand = 1 + math.erf(1 / math.sqrt(2)) + math.exp(-0.5) / math.sqrt(2 * math.pi)
    assert table["expected"][1] == pytest.approx(by_hand, rel=1e-5)
    assert abs(table["measured"][1] - by_hand) < 0.02 * by_hand + ERRORS * 3 / math.sqrt(512 * lesson.DRAWS)


@pytest.mark.parametrize("scale", [0.0, 0.4, 1.0])
def test_both_ways_grow_alike(scale: float) -> None:
    table = lesson.ways(scale, 5, 128, seed=3)
    np.testing.assert_allclose(table.numbers("forwards"), np.power(1 + scale**2, range(6)), rtol=1e-12)
    np.testing.assert_allclose(table.numbers("backwards"), table.numbers("forwards")[::-1], rtol=1e-12)
    for block in range(6):
        for measured, law, steps in (("stream", "forwards", block), ("gradient", "backwards", 5 - block)):
            error = _error(128, scale**2, steps, lesson.RADIAL_DRAWS) if steps else 1e-12
            assert abs(table[measured][block] / table[law][block] - 1) <= ERRORS * error


def test_trailing_norms_add_one_a_block() -> None:
    """The covariance of stream and branch has mean 0 and a variance of at most Var x / n given the past."""
    table, draws = lesson.normal("trailing", 5, 0.5, seed=3), 20
    truth = 0.5 + np.arange(6)
    np.testing.assert_allclose(table.numbers("expected"), truth, rtol=1e-12)
    for block in range(1, 6):
        error = math.sqrt(4 / lesson.CHANNELS * truth[:block].sum() / draws)
        assert abs(table["measured"][block] - truth[block]) < ERRORS * error


def test_a_norm_at_the_beginning_adds_its_share() -> None:
    """One block; given the activations a channel of F is normal, of mean variance t <= 2."""
    table, draws = lesson.normal("first", 1, 1.0, seed=3, draws=5000), 5000
    added = float(normalised_branches.rectified_variance(lesson.BATCH))
    assert table["expected"][1] == pytest.approx(1 + added, rel=1e-12)
    error = math.sqrt((4 * added + added * (2 - added) + 4 * added) / lesson.CHANNELS / draws)
    assert abs(table["measured"][1] - 1 - added) < ERRORS * error


def test_share_of_a_rectified_norm_by_drawing() -> None:
    rng, batch = stream(0, "test", "rectified"), lesson.BATCH
    z = rng.standard_normal((50_000, batch))
    z = (z - z.mean(axis=1, keepdims=True)) / z.std(axis=1, keepdims=True)
    found = 2 * np.maximum(z, 0).var(axis=1)
    error = found.std() / math.sqrt(len(found))
    assert abs(found.mean() - float(normalised_branches.rectified_variance(batch))) < ERRORS * error


def test_a_norm_behind_the_addition_leaves_one() -> None:
    table = lesson.normal("after", 4, 7.0, seed=3)
    np.testing.assert_allclose(table.numbers("measured"), [7, 1, 1, 1, 1], rtol=1e-12)
    np.testing.assert_allclose(table.numbers("expected"), [7, 1, 1, 1, 1], rtol=1e-12)


def test_largest_scale_of_exercise_3() -> None:
    assert float(lesson.EXERCISES[0].truth(s=float(lesson.EXERCISES[2].truth()), L=100)) == pytest.approx(2)
