"""A mirrored pair of rectifiers is linear."""

import math

import pytest

from theory.shattering import looks_linear


def test_looks_linear() -> None:
    assert looks_linear.mirrored_pair(3, -2) == -6
    with pytest.raises(ValueError, match="weight"):
        looks_linear.mirrored_pair(math.inf, 1)
