"""A step of SGD against the loss that it should lower, and the closed form of a linear classifier."""

import numpy as np

from simulations import mlp, stream
from simulations.fixup import fixup_mlp
from simulations.sgd import step


def test_linear_classifier_by_hand() -> None:
    """W - rate x^T (p - y) / batch."""
    network, rng = mlp([3], classes=4), stream(0, "sgd")
    parameters, x = network.draw(rng, 2), rng.normal(size=(2, 5, 3))
    targets = np.eye(4)[rng.integers(4, size=(2, 5))]
    taken = step(network, parameters, x, targets, 0.3)
    logits = np.exp(np.einsum("dbf,dfc->dbc", x, parameters["readout.weight"]))
    expected = np.einsum("dbf,dbc->dfc", x, logits / logits.sum(-1, keepdims=True) - targets) / 5
    np.testing.assert_allclose(taken.gradients["readout.weight"].array, expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(
        taken.parameters["readout.weight"], parameters["readout.weight"] - 0.3 * expected, rtol=1e-12
    )


def test_small_steps_lower_the_loss() -> None:
    network, rng = fixup_mlp(6, 2, stem=4, classes=3), stream(0, "sgd", "loss")
    parameters, x = network.draw(rng, 7), rng.normal(size=(7, 5, 4))
    targets = np.eye(3)[rng.integers(3, size=(7, 5))]
    before = {name: value.copy() for name, value in parameters.items()}
    losses = []
    for _ in range(6):
        taken = step(network, parameters, x, targets, 0.05)
        parameters = taken.parameters
        losses.append(taken.loss.loss.mean(axis=1))
    assert (np.diff(losses, axis=0) < 0).all()
    assert all(np.array_equal(value, network.draw(stream(0, "sgd", "loss"), 7)[name]) for name, value in before.items())
