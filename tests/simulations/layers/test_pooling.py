"""Pooling, channels of zeros and concatenation: by hand, against central differences, by scaling; what is refused."""

from collections.abc import Callable

import numpy as np
import pytest

from simulations import Dense, LeakyReLU, Network, Sequential, stream
from simulations.layers.convolution import Convolution
from simulations.layers.dense import Layer
from simulations.layers.pooling import AveragePool, Concatenate, MaxPool, PadChannels
from tests.simulations.layers.layer_cases import check_degrees, check_draws_and_precision, check_gradients

BRANCHES = (Convolution("a", 2, 1, 3, padding=1), Convolution("b", 2, 2, 1), Sequential(()))
LAYERS = {
    "max": MaxPool(2),
    "max, overlapping": MaxPool(3, 1),
    "max, leaves pixels out": MaxPool(1, 3),
    "max, padded": MaxPool(3, 2, 1),
    "average": AveragePool(2),
    "average, overlapping": AveragePool(3, 2),
    "average of the image": AveragePool(),
    "subsampling": AveragePool(1, 2),
    "zeros": PadChannels(2),
    "no zeros": PadChannels(0),
    "one branch": Concatenate(BRANCHES[:1]),
    "two branches": Concatenate(BRANCHES[:2]),
    "two branches and the input": Concatenate(BRANCHES),
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


def test_degrees_of_features_side_by_side() -> None:
    check_degrees(Concatenate((Dense("a", 3, 2), Dense("b", 3, 1, bias_deviation=1.0))), X[:, :, 0, 0, :3])


def test_by_hand() -> None:
    image = np.arange(12.0).reshape(1, 1, 1, 3, 4)
    y, pullback = MaxPool(2).forward({}, image)
    assert y.tolist() == [[[[[5, 7]]]]]
    assert pullback(np.array([[[[[3.0, 4]]]]]), None).tolist() == [[[[[0, 0, 0, 0], [0, 3, 0, 4], [0, 0, 0, 0]]]]]
    y, pullback = AveragePool(2).forward({}, image)
    assert y.tolist() == [[[[[2.5, 4.5]]]]]
    assert pullback(np.array([[[[[4.0, 8]]]]]), None).tolist() == [[[[[1, 1, 2, 2], [1, 1, 2, 2], [0, 0, 0, 0]]]]]
    assert AveragePool().forward({}, image)[0].tolist() == [[[[[5.5]]]]]
    assert AveragePool(1, 2).forward({}, image)[0].tolist() == [[[[[0, 2], [8, 10]]]]]


def test_the_first_of_equal_entries_takes_all() -> None:
    _, pullback = MaxPool(2, 1).forward({}, np.zeros((1, 1, 1, 2, 3)))
    assert pullback(np.array([[[[[1.0, 2]]]]]), None).tolist() == [[[[[1, 2, 0], [0, 0, 0]]]]]


def test_the_maximum_with_nan_is_nan() -> None:
    y, _ = MaxPool(2).forward({}, np.array([[[[[1.0, np.nan, 5, 4], [2, 3, -np.inf, np.inf]]]]]))
    np.testing.assert_array_equal(y, [[[[[np.nan, np.inf]]]]])


def test_parameters_of_branches_are_named_in_order() -> None:
    network = Network((Concatenate(BRANCHES[:2]), LeakyReLU()))
    assert network.parameter_names() == ("a.weight", "b.weight")
    assert network.homogeneous_sets() == (frozenset({"a.weight", "b.weight"}),)
    assert [dense.name for dense in network.weights()] == ["a", "b"]


@pytest.mark.parametrize(("make", "message"), [
    (lambda: MaxPool(0), "size of MaxPool must be at least 1, got 0"),
    (lambda: MaxPool(2, 0), "stride of MaxPool must be at least 1, got 0"),
    (lambda: MaxPool(3, 2, 2), "padding of MaxPool must be from 0 to half its size, 1, got 2; a window may else have"),
    (lambda: MaxPool(3, 2, -1), "padding of MaxPool must be from 0 to half its size, 1, got -1"),
    (lambda: AveragePool(-1), "size of AveragePool must be at least 1, got -1"),
    (lambda: AveragePool(2, 0), "stride of AveragePool must be at least 1, got 0"),
    (lambda: AveragePool(None, 2), "over the whole image has no stride, got 2"),
    (lambda: PadChannels(-1), "got -1; expected 0 or more"),
    (lambda: Concatenate(()), "at least one branch, got none"),
    (lambda: MaxPool(5).forward({}, X), "MaxPool has a window of 5 by 5, larger than the image .* 5 by 4"),
    (lambda: AveragePool(6).forward({}, X), "AveragePool has a window of 6 by 6, larger"),
    (lambda: MaxPool(1).forward({}, X[0]), "MaxPool expects images"),
    (lambda: AveragePool().forward({}, X[..., :0]), r"AveragePool expects images .* got shape \(2, 3, 2, 5, 0\)"),
    (lambda: PadChannels(1).forward({}, X[0]), "PadChannels expects images"),
    (lambda: Concatenate((MaxPool(1), MaxPool(2))).forward({}, X), "may differ in channels only, got .* 5, 4.* 2, 2"),
])  # fmt: skip
def test_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
