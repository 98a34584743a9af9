"""Lesson 1: formats are left where the closed forms say and where NumPy's own numbers end."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lessons.experiments import number_formats as lesson

GAINS = [0.3, 0.5, 0.55, 0.95, 1.05, 1.5, 2.0]


@pytest.mark.parametrize("gain", GAINS)
@pytest.mark.parametrize("kind", ["signal", "square"])
def test_formats_are_left_where_the_closed_form_says(kind: str, gain: float) -> None:
    said = lesson.places(lesson.stored(kind, gain, seed=3), kind, gain)
    assert {name: said[name] for name in lesson.FORMATS} == {name: said[f"{name}_expected"] for name in lesson.FORMATS}


@pytest.mark.parametrize(("name", "kind"), [("float16", np.float16), ("float32", np.float32)])
@pytest.mark.parametrize(("what", "power"), [("signal", 1), ("square", 2)])
@pytest.mark.parametrize("gain", GAINS)
def test_numbers_end_where_numpy_s_do(gain: float, what: str, power: int, name: str, kind: type[np.floating]) -> None:
    with np.errstate(over="ignore", under="ignore"):
        powers = np.array([gain ** (power * layer) for layer in range(lesson.LAYERS + 1)]).astype(kind)
    gone = np.flatnonzero(~np.isfinite(powers) | (powers == 0))
    assert lesson.left(lesson.stored(what, gain, seed=0), name) == (gone[0] if gone.size else lesson.STAYS)


def test_what_the_question_says_of_doublings() -> None:
    said = lesson.places(lesson.stored("signal", 2, seed=0), "signal", 2)
    assert [said[name] for name in ("float16", "bfloat16", "float32")] == [16, 128, 128]
    assert lesson.guessed_layer() == 128
    below = lesson.places(lesson.stored("signal", 0.5, seed=0), "signal", 0.5)
    assert [below[name] for name in ("float16", "bfloat16", "float32")] == [25, 134, 150]


@pytest.mark.parametrize("gain", [0.3, 1.0, 2.0])
def test_logarithms_stay_and_are_near_the_line(gain: float) -> None:
    """A format of p bits holds a logarithm to within 2^-p of itself."""
    table = lesson.stored("logarithm", gain, seed=3)
    for name, one in lesson.FORMATS.items():
        assert lesson.left(table, name) == lesson.leaves("logarithm", gain, one) == lesson.STAYS
        off = np.abs(table.numbers(name) - table.numbers("expected"))
        assert (off <= 2.0**-one.bits * np.abs(table.numbers("expected")) * (1 + 1e-9) + 1e-12).all()


def test_a_gain_of_one_goes_nowhere() -> None:
    table = lesson.stored("signal", 1, seed=3)
    assert set(lesson.places(table, "signal", 1).values()) == {lesson.STAYS}
    assert not table.numbers("float16").any()


def test_bands_end_where_numpy_s_numbers_do() -> None:
    for name, kind in (("float16", np.float16), ("float32", np.float32)):
        info = np.finfo(kind)
        assert lesson.ends(lesson.FORMATS[name]) == pytest.approx(
            (math.log10(float(info.smallest_subnormal)), math.log10(float(info.max)))
        )
