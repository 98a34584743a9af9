"""A step of SGD against the loss that it should lower, and the closed form of a linear classifier."""

import numpy as np
import pytest

from evidence import draws_for_same_law, same_law
from simulations import LeakyReLU, mlp, stream
from simulations.networks.fixup import fixup_mlp
from simulations.numbers.arrays import Array
from simulations.training.sgd import step
from simulations.weights.kinds import Kind, arrays, drawn, entries_of
from simulations.weights.undrawn import Undrawn, undrawn


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


def test_undrawn_weights_learn_as_drawn_ones_do() -> None:
    """The joint law of losses and gradient norms over five steps; false alarm 1e-6, sees a distance of 0.1."""
    network, rng = mlp([5, 6, 6], activation=LeakyReLU(0.3), classes=3), stream(0, "sgd", "undrawn")
    x, targets = rng.standard_normal((2, 5)), np.eye(3)[[0, 2]]
    names, alpha, error = ("layer0.weight", "layer1.weight", "readout.weight"), 1e-6, 0.1
    draws = draws_for_same_law(5 * (2 + 3 + 1), error=error, alpha=alpha)

    def descend(kind: Kind) -> dict[str, Array]:
        own = stream(1, "sgd", kind.__qualname__)
        parameters, found = network.draw(own, draws, kind), dict[str, Array]()
        for number in range(5):
            taken = step(network, parameters, np.broadcast_to(x, (draws, 2, 5)), targets[None].repeat(draws, 0), 0.4)
            parameters = taken.parameters
            found |= {f"loss {number} of {row}": taken.loss.loss[:, row] for row in range(2)}
            norms = {f"{name} {number}": np.log(taken.gradients[name].square_norm) for name in names}
            found |= norms | {f"sum {number}": sum(norms.values()) + taken.loss.loss[:, 0]}
        return found

    drawn_ones = descend(arrays)
    assert same_law(drawn_ones, descend(undrawn()), error=error, alpha=alpha).verdict == "held"
    still = {name: drawn_ones[name.replace("4", "0")] for name in drawn_ones}  # as if the fifth step had not learnt
    assert same_law(drawn_ones, still, error=error, alpha=alpha).verdict == "refuted"


@pytest.mark.parametrize("kind", [arrays, undrawn()])
def test_a_step_leaves_the_weights_given_as_they_were(kind: Kind) -> None:
    """Those before and after differ by the gradient, also for inputs that neither has seen; rounding aside."""
    network, rng = mlp([4, 6], classes=3), stream(0, "sgd", "before and after")
    x, other = rng.standard_normal((2, 5, 2, 4))
    targets, rate = np.eye(3)[rng.integers(3, size=(5, 2))], 0.5
    before = network.draw(rng, 5, kind)
    outputs = network.run(before, x).output
    taken = step(network, before, x, targets, rate)
    np.testing.assert_allclose(network.run(before, x).output, outputs, rtol=0, atol=1e-12)
    first, then = (parameters["layer0.weight"] for parameters in (before, taken.parameters))
    change = -rate * taken.gradients["layer0.weight"].array
    assert np.abs(change).max() > 0.01
    np.testing.assert_allclose(other @ then - other @ first, other @ change, rtol=0, atol=1e-12)
    dy = rng.standard_normal((5, 2, 6))
    np.testing.assert_allclose(dy @ then.mT - dy @ first.mT, dy @ change.mT, rtol=0, atol=1e-12)


def test_weights_that_cannot_learn_say_so() -> None:
    network, x = mlp([3], classes=2), np.ones((1, 1, 3))
    with pytest.raises(TypeError, match=r"'readout.weight' is of kind Drawn and cannot learn: draw arrays"):
        step(network, network.draw(stream(0), 1, drawn()), x, np.eye(2)[None, :1], 0.1)


def test_layers_that_need_entries_say_so() -> None:
    with pytest.raises(TypeError, match=r"the entries of 'a.bias' are needed: draw it as an array, not as Undrawn"):
        entries_of({"a.bias": Undrawn(stream(0), 1, 1, 2, 1.0)}, "a.bias", np.ones((1, 1, 1)))
