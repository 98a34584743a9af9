"""Smooth activations and dropout: values against SciPy, pullbacks against differences, masks against their law."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from simulations import Dense, Network, stream
from simulations.layers.activations import GELU, SELU, Dropout, Mish, ReLU6, Sigmoid, Sine, Softplus, Swish
from simulations.layers.dense import Layer

X = np.linspace(-6, 6, 240).reshape(1, 4, 60) + 0.01


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (Sigmoid(), special.expit(X)),
        (GELU(), X * special.ndtr(X)),
        (SELU(), 1.0507009873554805 * np.where(X > 0, X, 1.6732632423543772 * special.expm1(X))),
        (SELU(1.0, 1.0), np.where(X > 0, X, special.expm1(X))),
        (Swish(), X * special.expit(X)),
        (Swish(1.7), X * special.expit(1.7 * X)),
        (Mish(), X * np.tanh(special.log1p(np.exp(X)))),
        (Softplus(), special.log1p(np.exp(X))),
        (Sine(), np.sin(X)),
        (ReLU6(), np.minimum(np.maximum(X, 0), 6)),
    ],
    ids=["sigmoid", "GELU", "SELU", "ELU", "SiLU", "Swish", "Mish", "softplus", "sine", "ReLU6"],
)
def test_values_and_pullbacks(layer: Layer, expected: np.ndarray) -> None:
    y, pullback = layer.forward({}, X)
    np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-15)
    step = 1e-5
    slope = (layer.forward({}, X + step)[0] - layer.forward({}, X - step)[0]) / (2 * step)
    np.testing.assert_allclose(pullback(np.full_like(X, 3.0), None), 3 * slope, rtol=1e-5, atol=1e-8)
    assert layer.degree(0, frozenset()) == 0
    assert layer.degree(1, frozenset()) is None
    assert not layer.draw(stream(0, "none"), 2)
    assert not list(layer.weights())


def test_large_inputs_do_not_overflow() -> None:
    far = np.array([[[-1e4, 1e4]]])
    for layer in (Sigmoid(), GELU(), SELU(), Swish(), Mish(), Softplus()):
        y, pullback = layer.forward({}, far)
        assert np.isfinite(y).all()
        assert np.isfinite(pullback(np.ones_like(far), None)).all()


@pytest.mark.parametrize(("inverted", "kept"), [(True, 2.0), (False, 1.0)])
def test_dropout_masks(inverted: bool, kept: float) -> None:
    layer = Dropout("mask", 50, 0.5, inverted)
    parameters = layer.draw(stream(0, "masks"), 400)
    mask = parameters["mask.mask"]
    assert mask.shape == (400, 1, 50)
    assert set(np.unique(mask)) == {0.0, kept}
    assert abs(np.mean(mask > 0) - 0.5) < 0.05  # 14 standard deviations
    y, pullback = layer.forward(parameters, np.ones((400, 3, 50)))
    np.testing.assert_array_equal(y, np.broadcast_to(mask, y.shape))
    np.testing.assert_array_equal(pullback(np.ones_like(y), None), y)


def test_a_given_mask_is_homogeneous() -> None:
    network = Network((Dropout("mask", 3, 0.5), Dense("layer", 3, 2)))
    assert network.tail_degree(0) == 1
    assert network.homogeneous_sets() == (frozenset({"layer.weight"}),)
    parameters = network.draw(stream(0, "network"), 5)
    x = np.ones((5, 1, 3))
    np.testing.assert_allclose(network.run(parameters, 3 * x).output, 3 * network.run(parameters, x).output)


@pytest.mark.parametrize("keep", [0.0, 1.5])
def test_keep_is_checked(keep: float) -> None:
    with pytest.raises(ValueError, match="keep"):
        Dropout("mask", 3, keep)
