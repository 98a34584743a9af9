"""What every layer must satisfy: gradients by central differences, degrees by scaling, nothing changed in place."""

from itertools import combinations
from typing import Any

import numpy as np

from simulations import stream
from simulations.layers.dense import Gradients, Layer, Parameters
from simulations.layers.network import learnt
from simulations.numbers.arrays import Array
from simulations.weights.kinds import drawn
from tests.simulations.layers.test_network import differences


def moved(layer: Layer, draws: int) -> Parameters:
    """Draw parameters and move them, so that none is zero or a number that hides a factor."""
    rng = stream(0, "layer", type(layer).__name__, *learnt(layer))
    return {name: value + rng.normal(0, 0.5, value.shape) for name, value in layer.draw(rng, draws).items()}


def check_gradients(layer: Layer, x: Array) -> None:
    """Compare with central differences at one draw, x (1, ...); a kink within a step would fail."""
    values = {"x": x} | moved(layer, 1)
    y, pullback = layer.forward(values, x)
    cotangent, into = stream(0, "cotangent").normal(size=y.shape), Gradients()
    found = {"x": pullback(cotangent, into)} | {name: one.array for name, one in into.items()}
    assert found.keys() == values.keys() == {"x", *learnt(layer)}
    for one in into.values():
        np.testing.assert_allclose(one.square_norm, np.square(one.array).sum(axis=(1, 2)), rtol=1e-10)
    for name, value in values.items():

        def projected(copies: Array, name: str = name) -> Array:
            repeated = {other: np.repeat(one, len(copies), axis=0) for other, one in values.items()} | {name: copies}
            output = layer.forward(repeated, repeated["x"])[0] * cotangent
            total: Array = output.reshape(len(copies), -1).sum(axis=1)
            return total

        expected, error = differences(projected, value)
        assert error.max() < 1e-6
        assert error.max() < abs(expected).max() / 100, "what is wrong by a hundredth must show"
        assert (abs(found[name] - expected) <= error).all(), name


def check_degrees(layer: Layer, x: Array, also: tuple[int, ...] = (0, 1, 2)) -> None:
    """Scale the input by 2^k and any set of parameters by 2: exact in binary, so degrees hold to the bit or not at all.

    A degree that the layer does not state must not be measured either; nor may one be stated for an input without.
    """
    parameters = moved(layer, len(x))
    names = tuple(learnt(layer))
    assert set(names) == parameters.keys()
    before, _ = layer.forward(parameters, x)
    for size in range(len(names) + 1):
        for scaled in map(frozenset, combinations(names, size)):
            twice = {name: 2 * value if name in scaled else value for name, value in parameters.items()}
            assert layer.degree(None, scaled) is None
            for incoming in also:
                after, _ = layer.forward(twice, 2.0**incoming * x)
                measured = [degree for degree in range(6) if np.array_equal(after, 2.0**degree * before)]
                stated = layer.degree(incoming, scaled)
                assert measured == ([] if stated is None else [stated]), (incoming, sorted(scaled))


def check_draws_and_precision(layer: Layer, x: Array) -> None:
    """Draws run apart as they run together, no array is changed in place, and single precision stays single."""
    parameters = moved(layer, len(x))
    copies = {name: value.copy() for name, value in parameters.items()}
    start = x.copy()
    y, pullback = layer.forward(parameters, x)
    cotangent = np.ones_like(y)
    dx = pullback(cotangent, {})
    assert dx.shape == x.shape
    for draw in range(len(x)):
        one, back = layer.forward({name: value[[draw]] for name, value in parameters.items()}, x[[draw]])
        np.testing.assert_allclose(one[0], y[draw], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(back(cotangent[[draw]], None)[0], dx[draw], rtol=1e-12, atol=1e-12)
    for name, value in copies.items():
        np.testing.assert_array_equal(parameters[name], value)
    np.testing.assert_array_equal(x, start)
    np.testing.assert_array_equal(cotangent, 1)

    single: Any = x.astype(np.float32)
    for given in (parameters, layer.draw(stream(0), len(x), drawn(np.float32))):
        into: Gradients = {}
        low, low_back = layer.forward(given, single)
        assert {low.dtype, low_back(np.ones_like(low), into).dtype} == {np.dtype(np.float32)}
        assert all(gradient.array.dtype == np.float32 for gradient in into.values())
    np.testing.assert_allclose(layer.forward(parameters, single)[0], y, rtol=0, atol=1e-5 * abs(y).max())
