"""Looks-linear networks against the linear network, and concatenated rectifiers against finite differences."""

import numpy as np
import pytest

from simulations import stream
from simulations.layers.looks_linear import CReLU, looks_linear


def test_the_network_is_linear() -> None:
    rng, network = stream(0, "looks linear"), looks_linear(4, 3)
    parameters = network.draw(rng, 5)
    x = rng.standard_normal((5, 2, 4))
    run = network.run(parameters, x)
    matrix = np.eye(4)
    for layer in network.weights():
        matrix = matrix @ parameters[layer.weight][:, :4]
    assert run.output == pytest.approx(x @ matrix)
    v = rng.standard_normal((5, 2, 4))
    assert run.backward(v)[0] == pytest.approx(v @ matrix.swapaxes(1, 2))
    assert matrix @ matrix.swapaxes(1, 2) == pytest.approx(np.broadcast_to(np.eye(4), (5, 4, 4)), abs=1e-12)


def test_concatenated_rectifiers() -> None:
    rng, layer = stream(1, "looks linear"), CReLU()
    x, dy, step = rng.standard_normal((3, 2, 4)), rng.standard_normal((3, 2, 8)), 1e-6
    y, pullback = layer.forward({}, x)
    assert y.shape == (3, 2, 8)
    assert y[..., :4] - y[..., 4:] == pytest.approx(x)
    assert (y >= 0).all()
    for unit in np.eye(4):
        slope = (layer.forward({}, x + step * unit)[0] - layer.forward({}, x - step * unit)[0]) / (2 * step)
        assert (slope * dy).sum(axis=-1) == pytest.approx(pullback(dy, None) @ unit, abs=1e-6)
    assert layer.degree(1, frozenset()) == 1
    assert layer.draw(rng, 2) == {}
    assert list(layer.weights()) == []
