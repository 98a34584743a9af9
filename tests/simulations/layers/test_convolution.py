"""Convolutions by hand, against central differences, by scaling; the fans that initialisers see; what is refused."""

import math

import numpy as np
import pytest

from simulations import Dense, he, he_fan_out, stream, zero
from simulations.layers.convolution import Convolution, Flatten
from simulations.layers.dense import Gradients, Layer
from simulations.layers.scalars import ScalarBias, ScalarMultiplier
from simulations.weights.initialisers import Initialiser
from simulations.weights.kinds import drawn
from simulations.weights.undrawn import undrawn
from tests.simulations.layers.layer_cases import check_degrees, check_draws_and_precision, check_gradients

LAYERS: dict[str, Layer] = {
    "plain": Convolution("one", 2, 3, 2),
    "bias": Convolution("one", 2, 3, 3, padding=1, bias_deviation=1.0),
    "stride": Convolution("one", 2, 1, 3, stride=2, padding=1),
    "leaves pixels out": Convolution("one", 2, 2, 2, stride=3),
    "one by one": Convolution("one", 2, 3, 1, stride=2, bias_deviation=0.0),
    "flatten": Flatten(),
    "scalar bias": ScalarBias("b"),
    "scalar multiplier": ScalarMultiplier("a"),
}
every_layer = pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS.keys())
X = stream(0, "images").normal(size=(2, 3, 2, 5, 4))


@every_layer
def test_gradients_equal_central_differences(layer: Layer) -> None:
    check_gradients(layer, X[:1])


@every_layer
def test_degrees(layer: Layer) -> None:
    check_degrees(layer, X)


@every_layer
def test_draws_and_precision(layer: Layer) -> None:
    check_draws_and_precision(layer, X)


def test_by_hand() -> None:
    """A window of 1, 10, 100, 1000 over a frame of zeros; the last row and column of the frame are left out."""
    layer, into = Convolution("one", 1, 1, 2, stride=2, padding=1, bias_deviation=0.0), Gradients()
    window, image = np.array([1.0, 10, 100, 1000]), np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
    parameters = {"one.weight": window.reshape(1, 4, 1), "one.bias": np.array([[[0.5]]])}
    y, pullback = layer.forward(parameters, image.reshape(1, 1, 1, 3, 3))
    assert y.tolist() == [[[[[1000.5, 3200.5], [7040.5, 9865.5]]]]]
    dx = pullback(np.array([[[[[1.0, 2], [3, 4]]]]]), into)
    assert dx.tolist() == [[[[[1000, 200, 2000], [30, 4, 40], [3000, 400, 4000]]]]]
    assert into["one.weight"].array.tolist() == [[[5 * 4], [3 * 4 + 6 * 4], [2 * 2 + 8 * 4], [1 + 3 * 2 + 7 * 3 + 36]]]
    assert into["one.bias"].array.tolist() == [[[10]]]


def test_a_window_over_the_whole_image_is_a_dense_layer() -> None:
    """With the channel running fastest in a row of the weights."""
    layer, dense = Convolution("one", 2, 3, 4), Dense("one", 32, 3)
    parameters, x = layer.draw(stream(0), 2), X[..., :4, :]
    expected, _ = dense.forward(parameters, np.moveaxis(x, 2, -1).reshape(2, 3, 32))
    np.testing.assert_allclose(layer.forward(parameters, x)[0][..., 0, 0], expected, rtol=1e-13)


def test_fans() -> None:
    """The deviation that an initialiser gives is that of k^2 C_in and k^2 C_out."""
    seen: list[tuple[int, int]] = []

    def variance(fan_in: int, fan_out: int) -> float:
        seen.append((fan_in, fan_out))
        return 0.0

    Convolution("one", 4, 6, 3, init=Initialiser(variance)).draw(stream(0), 1)
    assert set(seen) == {(36, 54)}
    for init, expected in ((he, 2 / 36), (he_fan_out.scaled(3), 9 * 2 / 54)):
        weights = Convolution("one", 4, 6, 3, init=init).draw(stream(0), 4000)["one.weight"]
        assert weights.shape == (4000, 36, 6)
        # 864,000 normals: the relative error of their variance is above 1 % once in 9e10
        assert math.isclose(weights.var(), expected, rel_tol=0.01)
    assert not Convolution("one", 4, 6, 3, init=zero).draw(stream(0), 2)["one.weight"].any()


def test_kinds_of_weights() -> None:
    """Weights drawn late are those drawn at once; those never drawn answer like one and the same matrix."""
    layer = Convolution("one", 2, 3, 2, padding=1)
    at_once, late = (
        layer.forward(layer.draw(stream(0), 2, kind), X)[0] for kind in (lambda *a: a[0].draw(*a[1:]), drawn())
    )
    np.testing.assert_allclose(at_once, late, rtol=1e-12, atol=1e-12)

    parameters = layer.draw(stream(0), 2, undrawn())
    y, pullback = layer.forward(parameters, X)
    np.testing.assert_allclose(layer.forward(parameters, X + X[:, ::-1])[0], y + y[:, ::-1], rtol=0, atol=1e-12)
    dy = stream(0, "dy").normal(size=y.shape)
    np.testing.assert_allclose(
        (pullback(dy, None) * X).sum(axis=(1, 2, 3, 4)), (dy * y).sum(axis=(1, 2, 3, 4)), rtol=1e-11
    )


def test_memory_order_does_not_matter() -> None:
    layer = Convolution("one", 2, 3, 3, padding=1)
    parameters = layer.draw(stream(0), 2)
    reordered = np.asfortranarray(X)
    np.testing.assert_array_equal(layer.forward(parameters, X)[0], layer.forward(parameters, reordered)[0])


@pytest.mark.parametrize(("arguments", "message"), [
    ({"channels_in": 0}, "channels_in of convolution 'one' must be at least 1, got 0"),
    ({"channels_out": 0}, "channels_out of convolution 'one' must be at least 1, got 0"),
    ({"size": 0}, "size of convolution 'one' must be at least 1, got 0"),
    ({"stride": -1}, "stride of convolution 'one' must be at least 1, got -1"),
    ({"padding": -1}, "padding of convolution 'one' must not be negative, got -1"),
])  # fmt: skip
def test_refused(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Convolution(**({"name": "one", "channels_in": 2, "channels_out": 2, "size": 3} | arguments))  # type: ignore[arg-type]


@pytest.mark.parametrize(("shape", "message"), [
    ((2, 3, 4, 5, 5), r"'one' expects 2 channels, got 4 in images of shape \(2, 3, 4, 5, 5\)"),
    ((2, 3, 2, 5), r"expects images \(draws, batch, channels, height, width\), got shape \(2, 3, 2, 5\)"),
    ((2, 3, 32), "expects images"),
    ((2, 0, 2, 5, 5), r"expects images .* got shape \(2, 0, 2, 5, 5\)"),
    ((2, 3, 2, 0, 5), "expects images"),
    ((2, 3, 2, 5, 2), "window of 3 by 3, larger than the image with its padding, 5 by 2"),
])  # fmt: skip
def test_images_refused(shape: tuple[int, ...], message: str) -> None:
    layer = Convolution("one", 2, 2, 3)
    with pytest.raises(ValueError, match=message):
        layer.forward(layer.draw(stream(0), 2), np.ones(shape))
    if len(shape) < 5:
        with pytest.raises(ValueError, match="Flatten expects images"):
            Flatten().forward({}, np.ones(shape))
