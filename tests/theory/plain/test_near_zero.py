"""Distances of sigmoids from lines, against NumPy."""

import numpy as np
import pytest
import sympy as sp

from theory.plain import near_zero


@pytest.mark.parametrize("z", [0.01, 0.3, 1.0, 4.0])
def test_one_unit(z: float) -> None:
    distance = abs(1 / (1 + np.exp(-z)) - 0.5 - z / 4)
    bound = float(near_zero.distance(z, 1))
    assert distance <= bound
    if z < 0.1:
        assert distance == pytest.approx(bound, rel=1e-3)


def test_depth_adds_up_to_a_limit() -> None:
    bounds = [float(near_zero.distance(1, depth)) for depth in (1, 2, 5, 40)]
    assert bounds == sorted(bounds)
    assert bounds[-1] == pytest.approx(float(near_zero.distance_at_any_depth(1))) == pytest.approx(1 / 36)


def test_there_is_no_limit_from_four_on() -> None:
    assert near_zero.distance_at_any_depth(4) == sp.oo


def test_weights_have_a_size() -> None:
    with pytest.raises(ValueError, match="weight is 0"):
        near_zero.distance(0, 1)
