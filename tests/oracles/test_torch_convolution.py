"""PyTorch's autograd as an oracle of layers on images: outputs and gradients in float64, agreement to 1e-10.

The tolerance is relative to the largest entry of an array, as in ``test_torch.py``. Images have odd and unequal sides,
so that a swap of height and width shows, and windows that do not divide them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from simulations import stream
from simulations.layers.activations import ReLU6
from simulations.layers.convolution import Convolution, Flatten
from simulations.layers.dense import Gradients, Layer
from simulations.layers.network import learnt
from simulations.layers.pooling import AveragePool, Concatenate, MaxPool, PadChannels
from simulations.layers.scalars import ScalarBias, ScalarMultiplier
from simulations.numbers.arrays import Array
from tests.oracles.test_torch import TOLERANCE, agree, leaf

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.slow
pytestmark = pytest.mark.slow

Weights = dict[str, Any]
SHAPE = (3, 4, 2, 7, 6)


def compare(
    layer: Layer,
    theirs: Callable[[Weights, Any], Any],
    x: Array,
    *,
    vanishing: tuple[str, ...] = (),
    deviation: float = 0.5,
) -> None:
    """Compare output, cotangent of the input and gradients, at a random cotangent of the output.

    `theirs` computes one draw with PyTorch. Parameters are moved by a random amount, of that deviation, from where
    they start, so that none is zero. The gradients of `vanishing` are zero but for rounding, in both.
    """
    rng = stream(0, "oracle", type(layer).__name__, *learnt(layer))
    parameters = {
        name: value + rng.normal(0, deviation, value.shape) for name, value in layer.draw(rng, len(x)).items()
    }
    y, pullback = layer.forward(parameters, x)
    cotangent, into = rng.normal(size=y.shape), Gradients()
    dx = pullback(cotangent, into)

    weights, start = {name: leaf(value) for name, value in parameters.items()}, leaf(x)
    one_by_one = [theirs({name: w[draw] for name, w in weights.items()}, start[draw]) for draw in range(len(x))]
    reference = torch.stack(one_by_one)
    (reference * torch.tensor(cotangent)).sum().backward()
    agree(y, reference)
    agree(dx, start.grad)
    assert into.keys() == parameters.keys()
    for name, gradient in into.items():
        if name in vanishing:
            assert max(abs(gradient.array).max(), abs(weights[name].grad).max()) < TOLERANCE
            continue
        agree(gradient.array, weights[name].grad)
        square_norm = (weights[name].grad ** 2).sum(dim=tuple(range(1, weights[name].ndim)))
        agree(gradient.square_norm, square_norm)


def images(*shape: int) -> Array:
    return stream(0, "oracle", "images", *shape).normal(size=shape or SHAPE)


def convolved(layer: Convolution, weights: Weights, x: Any) -> Any:
    """Apply the layer with PyTorch, whose weights are (channels_out, channels_in, size, size)."""
    window = weights[layer.weight].reshape(layer.size, layer.size, layer.channels_in, layer.channels_out)
    bias = weights[layer.bias][0] if layer.bias_deviation is not None else None
    return torch.nn.functional.conv2d(x, window.permute(3, 2, 0, 1), bias, layer.stride, layer.padding)


@pytest.mark.parametrize("bias", [None, 0.5], ids=["no bias", "bias"])
@pytest.mark.parametrize(("size", "stride", "padding"), [
    (1, 1, 0),
    (1, 2, 0),
    (1, 1, 1),
    (2, 1, 0),
    (2, 3, 1),
    (3, 1, 1),
    (3, 2, 1),
    (3, 2, 0),
    (3, 5, 2),
    (6, 1, 0),
    (6, 4, 3),
])  # fmt: skip
def test_convolution(size: int, stride: int, padding: int, bias: float | None) -> None:
    layer = Convolution("one", 2, 5, size, stride, padding, bias_deviation=bias)
    compare(layer, lambda weights, x: convolved(layer, weights, x), images())


@pytest.mark.parametrize("shape", [(1, 1, 1, 1, 1), (1, 1, 3, 1, 4), (2, 1, 1, 5, 1), (1, 6, 4, 3, 3)])
def test_convolution_of_thin_images(shape: tuple[int, ...]) -> None:
    layer = Convolution("one", shape[2], 1, 3, 2, 1)
    compare(layer, lambda weights, x: convolved(layer, weights, x), images(*shape))


@pytest.mark.parametrize(("size", "stride"), [(1, 1), (1, 2), (2, None), (2, 1), (3, None), (3, 2), (2, 5), (6, 1)])
def test_pooling(size: int, stride: int | None) -> None:
    functional = torch.nn.functional
    compare(MaxPool(size, stride), lambda weights, x: functional.max_pool2d(x, size, stride), images())
    compare(AveragePool(size, stride), lambda weights, x: functional.avg_pool2d(x, size, stride), images())


@pytest.mark.parametrize(("size", "stride", "padding"), [(2, 1, 1), (3, 2, 1), (3, 1, 1), (4, 3, 2), (8, 1, 4)])
def test_max_pooling_with_padding(size: int, stride: int, padding: int) -> None:
    """Of images below zero, so that zeros at the edges would be the largest."""
    x = images() - 5
    compare(MaxPool(size, stride, padding), lambda weights, one: pooled(one, size, stride, padding), x)


def pooled(x: Any, size: int, stride: int, padding: int) -> Any:
    return torch.nn.functional.max_pool2d(x, size, stride, padding)


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 1)])
def test_ties_in_max_pooling(size: int, stride: int) -> None:
    """Of equal entries the first of a window takes the cotangent: few values and many zeros, as after a ReLU."""
    x = np.maximum(stream(0, "oracle", "ties").integers(-2, 3, SHAPE), 0).astype(np.float64)
    compare(MaxPool(size, stride), lambda weights, one: pooled(one, size, stride, 0), x)
    compare(MaxPool(size, stride, 1), lambda weights, one: pooled(one, size, stride, 1), x)


def test_max_pooling_of_nan_and_infinity() -> None:
    x = images()
    x[0, 0, 0, 2, 2], x[0, 1, 1, 3, 3], x[1] = np.nan, np.inf, -np.inf
    theirs = torch.nn.functional.max_pool2d(torch.tensor(x).flatten(0, 1), 3, 1).numpy()
    np.testing.assert_array_equal(MaxPool(3, 1).forward({}, x)[0].reshape(theirs.shape), theirs)


def test_global_average() -> None:
    compare(AveragePool(), lambda weights, x: torch.nn.functional.adaptive_avg_pool2d(x, 1), images())


def test_relu6() -> None:
    x = 6 * images()
    x[0, 0, 0, 0, :2] = 0, 6  # both kinks, whose derivative is 0 there too
    compare(ReLU6(), lambda weights, one: torch.nn.functional.relu6(one), x)


def test_flatten() -> None:
    compare(Flatten(), lambda weights, x: x.flatten(1), images())


def test_channels_of_zeros() -> None:
    compare(PadChannels(3), lambda weights, x: torch.cat([x, x.new_zeros(len(x), 3, *x.shape[2:])], 1), images())


def test_concatenation() -> None:
    wide, narrow = Convolution("wide", 2, 3, 3, 2, 1), Convolution("narrow", 2, 1, 1, 2, bias_deviation=1.0)

    def theirs(weights: Weights, x: Any) -> Any:
        parts = [convolved(wide, weights, x), convolved(narrow, weights, x), torch.nn.functional.max_pool2d(x, 1, 2)]
        return torch.cat(parts, 1)

    compare(Concatenate((wide, narrow, MaxPool(1, 2))), theirs, images())


@pytest.mark.parametrize("x", [images(), images(3, 4, 5)], ids=["images", "features"])
def test_scalars(x: Array) -> None:
    compare(ScalarBias("b"), lambda weights, one: one + weights["b"], x)
    compare(ScalarMultiplier("a"), lambda weights, one: one * weights["a"], x)
