"""Lesson 4: distances of inputs in sigmoid and tanh nets against their bound, which small weights reach.

Means over 50 nets may lie 6 standard errors off, taken from the nets themselves.
"""

from __future__ import annotations

import math

import pytest

from lessons.experiments import sigmoid_nets as lesson

ERRORS = 6


@pytest.mark.parametrize("gain", [lesson.OLD_GAIN, 2.0, 10.0])
@pytest.mark.parametrize("activation", list(lesson.ACTIVATIONS))
def test_no_layer_keeps_more_than_its_bound_in_the_mean(activation: str, gain: float) -> None:
    table = lesson.distances(gain, 6, activation, seed=3)
    measured, spread = table.numbers("measured"), table.numbers("high") - table.numbers("low")
    # nine tenths of a normal law are 3.3 standard deviations wide
    assert (measured <= table.numbers("expected") + ERRORS * spread / 3.3 / math.sqrt(lesson.DRAWS)).all()


@pytest.mark.parametrize(("activation", "slope"), [("sigmoid", 1 / 4), ("tanh", 1.0)])
def test_small_weights_reach_the_bound(activation: str, slope: float) -> None:
    """Units are then within 0.02 of 0, where slopes are within 1e-4 of the largest."""
    gain = 0.02
    table = lesson.distances(gain, 2, activation, seed=3)
    assert table["expected"][1] == pytest.approx(gain**2 * slope**2, rel=1e-12)
    spread = (table["high"][1] - table["low"][1]) / 3.3 / math.sqrt(lesson.DRAWS)
    assert abs(table["measured"][1] - table["expected"][1]) < ERRORS * spread + 1e-3 * table["expected"][1]


def test_the_old_weights_leave_a_forty_eighth() -> None:
    assert pytest.approx(1 / math.sqrt(3)) == lesson.OLD_GAIN
    assert lesson.kept(lesson.OLD_GAIN, "sigmoid") == pytest.approx(1 / 48)
    assert lesson.guessed_distance() == pytest.approx(48**3)
    assert lesson.distances(lesson.OLD_GAIN, 4, "sigmoid", 0)["measured"][3] < 1 / 48**3
