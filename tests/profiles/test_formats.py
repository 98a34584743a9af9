"""Where mean squares leave a format: by theory as theory says it, by measurement as numbers do."""

import numpy as np
import pytest

from profiles.formats import leaving
from profiles.record import Column
from profiles.step import Reading
from simulations.numbers.formats import STORES
from theory.precision.formats import FLOAT16, FLOAT32, Format, depth_of_overflow, depth_of_vanishing


def column(log2_factor: float, depth: int = 300) -> Column:
    logs = log2_factor * np.arange(depth + 1.0)
    return Column(logs, logs, tuple[Reading, ...](["exact"] * (depth + 1)))


@pytest.mark.parametrize(("name", "kind"), [("float16", FLOAT16), ("float32", FLOAT32)])
@pytest.mark.parametrize("factor", [2, 3, 6])
def test_powers_leave_where_theory_and_numbers_say(name: str, kind: Format, factor: int) -> None:
    for sign, told, gone in ((1, depth_of_overflow, np.isinf), (-1, depth_of_vanishing, lambda x: x == 0)):
        squares, roots = leaving("units", column(sign * np.log2(factor)), name)
        assert squares.expected == squares.measured == int(told(factor, kind))
        assert squares.end == ("infinite" if sign == 1 else "0")
        stored = STORES[name](np.power(float(factor), sign * np.arange(301.0) / 2))
        assert roots.expected == int(np.argmax(gone(stored)))


def test_gradients_leave_from_the_output_on() -> None:
    there, back = (leaving("gradients", column(-1.0, 60), "float16", backward=way)[0] for way in (False, True))
    assert there.expected == 25
    assert back.expected == 60  # it starts at 2^-60, and is gone at once


def test_what_stays_is_said_to_stay_and_zeros_are_not_small_numbers() -> None:
    zeros = Column(np.array([0.0, -np.inf]), np.array([0.0, -np.inf]), ("none", "exact"))
    assert [one.words for one in leaving("units", zeros, "float16")] == [
        "float16: the mean square of units stays in range",
        "float16: the root mean square of units stays in range",
    ]


def test_theory_and_measurement_may_differ() -> None:
    logs = np.arange(20.0)
    found = leaving("units", Column(logs, logs - 1, ("exact",) * 20), "float16")[0]
    assert found.words == "float16: the mean square of units is infinite from position 16 by theory, 17 by measurement"


def test_an_input_may_be_out_of_range_already() -> None:
    logs = np.array([17.0, 1.0])
    assert leaving("units", Column(logs, logs, ("none", "exact")), "float16")[0].measured == 0
