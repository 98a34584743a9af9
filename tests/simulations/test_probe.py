"""The probes' rounding bounds where they are needed most: small logits that large numbers cancel to."""

import numpy as np
import pytest

from simulations import mlp, one_hot, stream
from simulations.layers.dense import Parameters
from simulations.numbers.arrays import Array
from simulations.probe import probe_sets, probe_states

DRAWS, WIDTH, CLASSES = 100, 30, 3
NETWORK = mlp([WIDTH, WIDTH], activation=None, classes=CLASSES)
LARGE = 1e8


@pytest.fixture
def cancelling() -> tuple[Parameters, Array, Array]:
    """A readout with entries of size 1e8 whose columns are nearly orthogonal to the hidden state."""
    rng = stream(0, "cancelling")
    parameters, x = NETWORK.draw(rng, DRAWS), rng.standard_normal((DRAWS, 1, WIDTH))
    hidden = x @ parameters["layer0.weight"]
    along = hidden.swapaxes(1, 2) / np.square(hidden).sum(-1, keepdims=True)
    columns = parameters["readout.weight"]
    parameters["readout.weight"] = LARGE * (columns - along @ (hidden @ columns)) + columns
    return parameters, x, one_hot(rng.integers(CLASSES, size=(DRAWS, 1)), CLASSES)


def needed_and_enough(gap: Array, bound: Array, of_loss: Array) -> None:
    """The bound holds, the loss's part of it alone would not, and it is not large beyond use."""
    assert (gap <= bound).all()
    assert (gap > 100 * of_loss).any()
    assert bound.max() < 1e4 * gap.max()


def test_rounding_at_states(cancelling: tuple[Parameters, Array, Array]) -> None:
    probe = probe_states(NETWORK, *cancelling)
    assert abs(probe.loss.loss).max() < 50
    needed_and_enough(abs(probe.inner - (probe.loss.loss - probe.loss.entropy)), probe.rounding, probe.loss.rounding)


def test_rounding_of_sets(cancelling: tuple[Parameters, Array, Array]) -> None:
    for probe in probe_sets(NETWORK, *cancelling, NETWORK.homogeneous_sets()).values():
        excess = (probe.loss.loss - probe.loss.entropy)[:, 0]
        needed_and_enough(abs(probe.inner - excess), probe.rounding, probe.loss.rounding[:, 0])


def test_norms_are_those_of_the_arrays() -> None:
    """The gradient of the mean loss over a minibatch, and norms of a set of several arrays together."""
    rng = stream(0, "norms")
    parameters, x = NETWORK.draw(rng, 2), rng.standard_normal((2, 4, WIDTH))
    targets = one_hot(rng.integers(CLASSES, size=(2, 4)), CLASSES)
    both = frozenset({"layer0.weight", "readout.weight"})
    probe = probe_sets(NETWORK, parameters, x, targets, [both])[both]
    gradients = NETWORK.run(parameters, x).gradients(probe.loss.logit_gradient / 4)
    for found, arrays in ((probe.parameter_norm, parameters), (probe.gradient_norm, gradients)):
        direct = np.sqrt(sum(np.square(arrays[name]).sum((1, 2)) for name in both))
        np.testing.assert_allclose(found, direct, rtol=1e-12)


def test_bound_where_rounding_decides_which_side_of_a_kink() -> None:
    """1e150 - 1e150 may be 0 or 1e134, and a unit dead or alive, depending on the order in which a sum is taken."""
    network, third = mlp([3, 1], classes=2), np.sqrt(2 / 3)
    rng = stream(0, "kink")
    parameters = {
        "layer0.weight": third * np.array([[1.0], [-1.0], [1.0]]) * rng.choice([-1.0, 1.0], (200, 1, 1)),
        "readout.weight": rng.standard_normal((200, 1, 2)),
    }
    x = rng.uniform(0.1, 1, (200, 1, 1)) * np.array([[0.0, 1.0, 1.0], [0.0, 1e150, 1e150]])
    for probe in probe_sets(network, parameters, x, np.eye(2), network.homogeneous_sets()).values():
        excess = (probe.loss.loss - probe.loss.entropy).mean(axis=1)
        assert (abs(probe.inner - excess) <= probe.rounding).all()
