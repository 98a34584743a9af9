"""LSUV: orthonormal columns times one number, unit variance in every layer, and what it refuses."""

from itertools import pairwise

import numpy as np
import pytest

from simulations import LeakyReLU, Network, mlp, residual_mlp, stream
from simulations.layers.normalisation import WeightStandardised
from simulations.networks.lsuv import lsuv, orthonormal
from simulations.networks.rivals import build

LEAKY = LeakyReLU(0.3)


def test_layers_have_unit_variance_after_one_division() -> None:
    net, rng = mlp([6, 9, 5], activation=LEAKY, classes=4), stream(0, "lsuv")
    parameters, x = net.draw(rng, 3), 100 * rng.normal(size=(3, 7, 6))
    kept = {name: value.copy() for name, value in parameters.items()}
    after = lsuv(net, parameters, x, iterations=1)
    for dense, state in zip(net.weights(), net.run(after, x).states[:-1], strict=True):
        np.testing.assert_allclose((state @ after[dense.weight]).var(axis=(1, 2)), 1, rtol=1e-12)
        scaled = after[dense.weight].mT @ after[dense.weight]
        if dense.fan_in >= dense.fan_out:
            np.testing.assert_allclose(scaled, scaled[:, :1, :1] * np.eye(dense.fan_out), atol=1e-10)
    assert all(np.array_equal(kept[name], parameters[name]) for name in kept)


def test_branches_have_unit_variance_whatever_the_stream() -> None:
    net, rng = residual_mlp(6, 3, activation=LEAKY), stream(0, "lsuv", "residual")
    x = 50 * rng.normal(size=(3, 7, 6))
    states = net.run(lsuv(net, net.draw(rng, 3), x), x).states
    for before, after in pairwise(states):
        np.testing.assert_allclose((after - before).var(axis=(1, 2)), 1, rtol=1e-11)


def test_biases_need_several_divisions() -> None:
    net, rng = mlp([6, 9], activation=LEAKY, bias_deviation=0.5), stream(0, "lsuv", "biases")
    parameters, x = net.draw(rng, 3), rng.normal(size=(3, 7, 6))

    def variance(iterations: int) -> np.ndarray:
        after = lsuv(net, parameters, x, iterations=iterations, tolerance=0.01)
        return np.asarray((x @ after["layer0.weight"] + after["layer0.bias"]).var(axis=(1, 2)))

    assert (np.abs(variance(1) - 1) > 0.01).any()
    np.testing.assert_allclose(variance(50), 1, atol=0.01)


def test_orthonormal_is_the_same_subspace() -> None:
    weights = stream(0, "q").normal(size=(4, 7, 3))
    for some in (weights, weights.mT):
        q = orthonormal(some)
        assert q.shape == some.shape
    q = orthonormal(weights)
    np.testing.assert_allclose(q.mT @ q, np.broadcast_to(np.eye(3), (4, 3, 3)), atol=1e-14)
    np.testing.assert_allclose(q @ (q.mT @ weights), weights, atol=1e-13)


def test_refused() -> None:
    net, rng = build("he", width=4, blocks=1, features=4, classes=3), stream(0, "refused")
    parameters = net.draw(rng, 2)
    with pytest.raises(ValueError, match="the output of layer 'stem' does not vary over the batch"):
        lsuv(net, parameters, np.zeros((2, 3, 4)))
    with pytest.raises(ValueError, match="expected x of shape"):
        lsuv(net, parameters, np.zeros((2, 0, 4)))
    odd = Network((WeightStandardised(next(net.weights())),))
    with pytest.raises(ValueError, match="inside a layer of kind WeightStandardised"):
        lsuv(odd, odd.draw(rng, 2), rng.normal(size=(2, 3, 4)))
