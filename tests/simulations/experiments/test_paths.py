"""Paths add up to the state, and are what comes of scaling the branches at given masks."""

from __future__ import annotations

import numpy as np
import pytest

from simulations import Tanh, mlp, residual_mlp, stream
from simulations.experiments.paths import path_states


def test_paths_add_up_to_the_output() -> None:
    rng, network = stream(0, "paths"), residual_mlp(5, 4, hidden=7)
    parameters, x = network.draw(rng, 6), rng.standard_normal((6, 1, 5))
    parts = path_states(network, parameters, x)
    assert parts.shape == (6, 5, 5)
    assert parts.sum(axis=1) == pytest.approx(network.run(parameters, x).output[:, 0], abs=1e-12)
    assert np.array_equal(parts[:, 0], x[:, 0])


def test_two_blocks_by_hand() -> None:
    rng, network = stream(1, "paths"), residual_mlp(3, 2, hidden=4)
    parameters, x = network.draw(rng, 1), rng.standard_normal((1, 1, 3))
    state, jacobians = x[0, 0], []
    for block in range(2):
        first, last = (parameters[f"block{block}.layer{layer}.weight"][0] for layer in range(2))
        jacobians.append((first * (state @ first > 0)) @ last)
        state = state + state @ jacobians[-1]
    one, two = jacobians
    parts = path_states(network, parameters, x)[0]
    assert parts[1] == pytest.approx(x[0, 0] @ (one + two))
    assert parts[2] == pytest.approx(x[0, 0] @ one @ two)


def test_refusals() -> None:
    rng, x = stream(0, "paths"), np.ones((2, 1, 3))
    plain, tanh, fine = mlp([3, 3]), residual_mlp(3, 1, activation=Tanh()), residual_mlp(3, 1)
    with pytest.raises(ValueError, match="residual block"):
        path_states(plain, plain.draw(rng, 2), x)
    with pytest.raises(ValueError, match="degree 1"):
        path_states(tanh, tanh.draw(rng, 2), x)
    with pytest.raises(ValueError, match="one input"):
        path_states(fine, fine.draw(rng, 2), np.ones((2, 2, 3)))
