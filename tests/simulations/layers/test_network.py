"""Layers and networks against central differences, for every parameter and every input entry."""

from collections.abc import Callable

import numpy as np
import pytest

from simulations import LeakyReLU, Network, Tanh, mlp, residual_mlp, softmax_loss, stream
from simulations.layers.dense import Dense, Gradients
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from simulations.weights.kinds import Gradient, Outer, Whole, collect, factors

STEP = EPS ** (1 / 3)
ROUNDINGS = 500
"""More than the roundings on any path through these networks and the loss."""

LEAKY = LeakyReLU(0.2)
NETWORKS = {
    "linear": mlp([3, 4, 2], activation=None),
    "ReLU": mlp([3, 5, 4], classes=2),
    "leaky ReLU, biases": mlp([3, 5, 4], activation=LEAKY, classes=2, bias_deviation=0.5),
    "tanh, biases": mlp([3, 5, 4], activation=Tanh(), classes=2, bias_deviation=0.5),
    "residual, m = 1": residual_mlp(3, 2, layers_per_branch=1, classes=2),
    "residual, m = 2": residual_mlp(4, 2, hidden=5, stem=3, classes=2),
    "residual, m = 3, tanh": residual_mlp(3, 2, layers_per_branch=3, activation=Tanh(), classes=2, bias_deviation=0.1),
    "residual, projection": residual_mlp(3, 2, activation=LEAKY, project=True, classes=2),
}
every_network = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())


def differences(f: Callable[[Array], Array], value: Array) -> tuple[Array, Array]:
    """Differentiate f, which maps (copies, ...) to (copies,), at value (1, ...); also bound the error.

    The error of second order at step h is a third of what it changes by from h to 2h; rounding adds the loss's, over h.
    """
    directions = np.eye(value.size).reshape(value.size, *value.shape[1:])
    once, twice = ((f(value + h * directions) - f(value - h * directions)) / (2 * h) for h in (STEP, 2 * STEP))
    error = abs(once - twice) + ROUNDINGS * EPS * (1 + abs(f(value))) / STEP
    return once.reshape(value.shape), error.reshape(value.shape)


@every_network
def test_gradients_equal_central_differences(network: Network) -> None:
    """A kink within a step would fail the bound on the error; about one seed in a hundred has one."""
    rng = stream(0, "differences")
    parameters, x = network.draw(rng, 1), rng.standard_normal((1, 3, 3))
    targets = rng.dirichlet(np.ones(2), (1, 3))

    def losses(**changed: Array) -> Array:
        (copies,) = {len(value) for value in changed.values()}
        repeated = {name: np.repeat(value, copies, axis=0) for name, value in ({"x": x} | parameters).items()} | changed
        logits = network.run(repeated, repeated.pop("x")).output
        total: Array = softmax_loss(logits, np.broadcast_to(targets, logits.shape)).loss.sum(axis=1)
        return total

    run = network.run(parameters, x)
    cotangent = softmax_loss(run.output, targets).logit_gradient
    gradients = run.gradients(cotangent) | {"x": run.backward(cotangent)[0]}
    assert gradients.keys() == {"x", *parameters}
    for name, value in ({"x": x} | parameters).items():
        expected, error = differences(lambda copies, name=name: losses(**{name: copies}), value)  # type: ignore[misc]
        assert error.max() < 1e-6
        assert (abs(gradients[name] - expected) <= error).all(), name


@every_network
def test_shapes_and_nothing_changed_in_place(network: Network) -> None:
    rng = stream(0, "shapes")
    parameters, x = network.draw(rng, 4), rng.standard_normal((4, 6, 3))
    copies = {name: value.copy() for name, value in parameters.items()}
    run, into = network.run(parameters, x.copy()), Gradients()
    cotangent = np.ones_like(run.output)
    cotangents, gradients = run.backward(cotangent, into), {name: one.array for name, one in into.items()}
    assert len(run.states) == len(cotangents) == len(network.layers) + 1
    for state, one in zip(run.states, cotangents, strict=True):
        assert state.shape == one.shape
    assert {name: value.shape for name, value in gradients.items()} == {name: v.shape for name, v in copies.items()}
    assert tuple(parameters) == network.parameter_names()
    for one, again in zip(cotangents, run.backward(cotangent), strict=True):
        np.testing.assert_array_equal(one, again)
    np.testing.assert_array_equal(run.states[0], x)
    np.testing.assert_array_equal(cotangent, 1)
    for name, value in parameters.items():
        np.testing.assert_array_equal(value, copies[name])


@every_network
def test_draws_are_independent_networks(network: Network) -> None:
    """Running draws together is running each by itself (a product may sum in another order)."""
    rng = stream(0, "apart")
    parameters, x = network.draw(rng, 3), rng.standard_normal((3, 2, 3))
    together = network.run(parameters, x).output
    for i in range(3):
        one = network.run({name: value[i : i + 1] for name, value in parameters.items()}, x[i : i + 1]).output
        np.testing.assert_allclose(together[i], one[0], rtol=0, atol=ROUNDINGS * EPS * (1 + abs(one).max()))


@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0])
def test_derivative_at_the_kink_is_the_slope(slope: float) -> None:
    y, pullback = LeakyReLU(slope).forward({}, np.array([[[-2.0, -0.0, 0.0, 3.0]]]))
    np.testing.assert_array_equal(y, [[[-2 * slope, 0, 0, 3]]])
    np.testing.assert_array_equal(pullback(np.ones((1, 1, 4)), None), [[[slope, slope, slope, 1]]])


def test_dense_by_hand() -> None:
    dense = Dense("one", 2, 1, bias_deviation=1.0)
    parameters = {"one.weight": np.array([[[3.0], [5.0]]]), "one.bias": np.array([[[7.0]]])}
    y, pullback = dense.forward(parameters, np.array([[[1.0, 2.0], [10.0, 20.0]]]))
    np.testing.assert_array_equal(y, [[[20], [137]]])
    gradients: Gradients = {}
    np.testing.assert_array_equal(pullback(np.array([[[1.0], [2.0]]]), gradients), [[[3, 5], [6, 10]]])
    np.testing.assert_array_equal(gradients["one.weight"].array, [[[21], [42]]])
    np.testing.assert_array_equal(gradients["one.bias"].array, [[[3]]])


def test_wrong_number_of_features_is_refused() -> None:
    network = mlp([3, 4])
    with pytest.raises(ValueError, match="'layer0' expects 3 features, got 5"):
        network.run(network.draw(stream(0), 1), np.ones((1, 1, 5)))


def test_gradients_of_weights_that_are_used_twice_add() -> None:
    """y = x W W + b W + b: each use has its own part."""
    dense, rng = Dense("shared", 3, 3, bias_deviation=1.0), stream(0, "shared")
    network = Network((dense, dense))
    parameters, x, dy = network.draw(rng, 2), rng.standard_normal((2, 4, 3)), rng.standard_normal((2, 4, 3))
    weight, bias = parameters["shared.weight"], parameters["shared.bias"]
    found = network.run(parameters, x).gradients(dy)
    back = dy @ weight.mT
    np.testing.assert_allclose(
        found["shared.weight"], x.mT @ back + (x @ weight + bias).mT @ dy, rtol=1e-13, atol=1e-13
    )
    np.testing.assert_allclose(found["shared.bias"], (back + dy).sum(axis=1, keepdims=True), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 2, 4, 3), (2, 4, 2, 3), (1, 1, 1, 1, 3)])
def test_dense_takes_rows_only(shape: tuple[int, ...]) -> None:
    """With as many inputs as draws, products of 4-d arrays would pair inputs with weights of other draws, unnoticed."""
    dense = Dense("one", 3, 5)
    message = r"'one' expects \(draws, batch, 3\), got shape .*reshape to \(draws, batch \* time"
    with pytest.raises(ValueError, match=message):
        dense.forward(dense.draw(stream(0), 2), np.ones(shape))


def test_gradients_of_one_name_add_in_either_form() -> None:
    """Factors are kept side by side; with an array the sum is an array."""
    rng, forms = stream(0), Gradients()
    x, dy, array = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 5)), rng.normal(size=(2, 4, 5))
    given: tuple[Gradient, ...] = (Outer(x, dy), Outer(x, dy), Whole(array), Whole(array), Outer(x, dy))
    for count, gradient in enumerate(given):
        collect(forms, "w", gradient)
        assert isinstance(forms["w"], Outer if count < 2 else Whole)
    expected = 3 * x.mT @ dy + 2 * array
    np.testing.assert_allclose(forms["w"].array, expected, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(forms["w"].square_norm, np.square(expected).sum((1, 2)), rtol=1e-13)
    with pytest.raises(TypeError, match="factors of a gradient are needed, which a Whole does not have"):
        factors(forms["w"])
