"""Depths at which powers leave the formats, against NumPy's casts and quoted limits."""

import numpy as np
import pytest

from theory.precision import formats
from theory.precision.formats import BFLOAT16, BITS, FLOAT16, FLOAT32, TOP, Format


@pytest.mark.parametrize(("number_format", "dtype"), [(FLOAT16, np.float16), (FLOAT32, np.float32)])
def test_limits_are_those_of_numpy(number_format: Format, dtype: type[np.floating]) -> None:
    at = {BITS: number_format.bits, TOP: number_format.top}
    assert float(formats.largest().at(at)) == float(np.finfo(dtype).max)
    assert float(formats.smallest().at(at)) == float(np.finfo(dtype).smallest_subnormal)


@pytest.mark.parametrize(
    ("number_format", "depths"),
    [(FLOAT16, (16, 11, 10, 6, 25)), (BFLOAT16, (128, 81, 52, 49, 134)), (FLOAT32, (128, 81, 59, 49, 150))],
)
def test_depths(number_format: Format, depths: tuple[int, ...]) -> None:
    found = (
        formats.depth_of_overflow(2, number_format),
        formats.depth_of_overflow(3, number_format),
        formats.depth_of_vanishing(6, number_format),
        formats.depth_of_subnormals(6, number_format),
        formats.depth_of_vanishing(2, number_format),
    )
    assert found == depths


def test_a_factor_of_one_leaves_nothing() -> None:
    with pytest.raises(ValueError, match="factor is 1; expected a number above 1"):
        formats.depth_of_overflow(1, FLOAT16)
