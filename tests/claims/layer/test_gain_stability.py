"""In wide nets the length map is followed layer after layer, towards the length that the gain keeps or away from it."""

import math

import numpy as np
import pytest

from claims.layer.gain_stability import LAYERS
from simulations import lecun, mlp, stream
from simulations.weights.undrawn import undrawn
from theory.layer import gain_stability

WIDTH, DEPTH, DRAWS = 2048, 7, 80


def _lengths(name: str, start: float) -> np.ndarray:
    """Mean over draws of the variance of pre-activations at layers 1 to DEPTH, at the gain of variance 1."""
    gain = gain_stability.gain(name)
    network = mlp([WIDTH] * (DEPTH + 1), init=lecun.scaled(gain), activation=LAYERS[name])
    # The first layer takes the gain too: the input is so much smaller.
    x = np.full((DRAWS, 1, WIDTH), math.sqrt(start) / gain)
    states = network.run(network.draw(stream(0, "lengths", name), DRAWS, undrawn()), x).states
    return np.array([gain**2 * np.mean(state**2) for state in states[:DEPTH]])


@pytest.mark.parametrize("start", [0.75, 1.25])
@pytest.mark.parametrize("name", ["tanh", "GELU", "SiLU"])
def test_deep_nets_follow_the_length_map(name: str, start: float) -> None:
    expected, gain = [start], gain_stability.gain(name)
    for _ in range(DEPTH - 1):
        expected.append(gain**2 * gain_stability.second_moment(name, expected[-1]))
    found = _lengths(name, start)
    # Fluctuations have grown to a standard deviation of about 2 % at the last layer.
    np.testing.assert_allclose(found, expected, rtol=0.1)
    assert found[0] == pytest.approx(start)
    leaves = gain_stability.length_slope(name) > 1
    assert leaves == (name in {"GELU", "SiLU"})
    assert (abs(found[-1] - 1) > 1.3 * abs(start - 1)) == leaves
