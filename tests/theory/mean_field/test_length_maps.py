"""Lengths and distances in ReLU nets with biases, against their recursion."""

import math

import pytest

from theory.mean_field import length_maps


@pytest.mark.parametrize("weight", [1, 2, 3])
def test_in_layers(weight: int) -> None:
    q, square = 1.7, 1.7**2
    seconds = length_maps.second_moments(weight, 0.4, 1.7, 5, 7)
    for layer in range(1, 6):
        square = (1 + 5 / 7) * (weight**2 * square / 4 + weight * 0.4 * q + 0.16)
        q = weight * q / 2 + 0.4
        assert float(length_maps.in_layers(weight, 0.4, 1.7, layer)) == pytest.approx(q)
        assert float(seconds[layer - 1]) == pytest.approx(square)


def test_distance() -> None:
    assert float(length_maps.distance_factor(3, 0.01)) == pytest.approx(1.5 * (1 - 2 * 0.01 / (3 * math.pi)), rel=1e-4)
    assert float(length_maps.distance_factor(2, math.pi)) == pytest.approx(0.5)
