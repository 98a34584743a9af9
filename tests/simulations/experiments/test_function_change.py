"""One step: a linear classifier by hand, the first order as the rate shrinks, and weights that are never drawn."""

import numpy as np
import pytest

from simulations import LeakyReLU, mlp, one_hot, residual_mlp, stream
from simulations.experiments.function_change import function_change
from simulations.networks.fixup import FixupRules, fixup_mlp
from simulations.networks.rivals import build
from simulations.numbers.arrays import Array
from simulations.weights.kinds import AnyParameters
from simulations.weights.undrawn import undrawn


def batch(draws: int, size: int, features: int, classes: int) -> tuple[Array, Array]:
    rng = stream(0, "one step", draws, size)
    return rng.normal(size=(draws, size, features)), one_hot(rng.integers(classes, size=(draws, size)), classes)


def test_a_linear_classifier_moves_by_the_kernel() -> None:
    """f' - f = -rate x x^T (p - y) / batch, at any rate."""
    net, (x, targets) = mlp([3], classes=4), batch(2, 5, 3, 4)
    parameters = net.draw(stream(0), 2)
    logits = np.exp(x @ parameters["readout.weight"])
    g = (logits / logits.sum(-1, keepdims=True) - targets) / 5
    moved = function_change(net, parameters, x, targets, 3.0)
    np.testing.assert_allclose(moved.change, np.linalg.norm(x @ x.mT @ g, axis=(1, 2)), rtol=1e-12)
    np.testing.assert_allclose(moved.along, np.square(x.mT @ g).sum(axis=(1, 2)), rtol=1e-12)
    np.testing.assert_allclose(moved.first_order, moved.along, rtol=1e-12)


@pytest.mark.parametrize("name", ["he_lecun", "zero_last", "rezero", "layer_norm", "batch_norm"])
def test_first_order(name: str) -> None:
    """A tenth of the rate leaves at most a fifth of the difference to the first order."""
    net, (x, targets) = build(name, width=8, blocks=3, features=4, classes=3, zero_readout=False), batch(6, 5, 4, 3)
    parameters = net.draw(stream(0, name), 6)
    gaps = []
    for rate in (1e-4, 1e-5):
        moved = function_change(net, parameters, x, targets, rate)
        gaps.append(np.abs(moved.along / moved.first_order - 1))
        assert (moved.change >= moved.along / np.sqrt(2 * 5) * 5 * (1 - 1e-12)).all()  # ||p - y|| / 5 <= sqrt(2/5)
    assert np.median(gaps[1]) < np.median(gaps[0]) / 5
    assert np.median(gaps[1]) < 1e-2


def test_fixup_starts_on_the_kink_of_its_rectifiers() -> None:
    """Units that the first ReLU zeroes are 0 before every later one, so f has no derivative: a gap stays in some draw.

    With leaky rectifiers the units are not 0, and the gap goes.
    """
    x, targets = batch(6, 5, 4, 3)
    for activation, kinked in ((LeakyReLU(), True), (LeakyReLU(0.3), False)):
        rules = FixupRules(zero_readout=False)
        net = fixup_mlp(8, 3, stem=4, classes=3, rules=rules, activation=activation)
        moved = [function_change(net, net.draw(stream(0, "kink"), 6), x, targets, rate) for rate in (1e-4, 1e-5)]
        gaps = [np.abs(one.along / one.first_order - 1).max() for one in moved]
        assert (gaps[1] > gaps[0] / 2) == kinked
        assert (gaps[1] > 1e-3) == kinked


def test_a_zero_classifier_hides_the_branches() -> None:
    x, targets = batch(2, 1, 4, 3)
    for zero_readout in (True, False):
        net = build("fixup", width=8, blocks=3, features=4, classes=3, zero_readout=zero_readout)
        parameters = net.draw(stream(0), 2)
        run = net.run(parameters, x)
        gradients = run.gradients(run.output - targets)
        assert gradients["block0.layer1.weight"].any() != zero_readout


def test_undrawn_weights_move_alike_in_law() -> None:
    """Mean first order at 1500 draws each: relative errors of about 3 %, a gap of 20 % fails at 4 deviations."""
    net, draws = residual_mlp(16, 3, classes=3), 1500
    x, targets = batch(1, 1, 16, 3)
    x, targets = np.repeat(x, draws, axis=0), np.repeat(targets, draws, axis=0)
    kinds: list[AnyParameters] = [net.draw(stream(0, "drawn"), draws), net.draw(stream(0, "undrawn"), draws, undrawn())]
    seen = [function_change(net, parameters, x, targets, 1e-5) for parameters in kinds]
    for moved in seen:
        np.testing.assert_allclose(np.median(moved.along / moved.first_order), 1, rtol=1e-3)
    logs = [np.log(moved.first_order).mean() for moved in seen]
    assert abs(logs[0] - logs[1]) < 0.2


def test_refused() -> None:
    net, (x, targets) = mlp([3], classes=4), batch(2, 5, 3, 4)
    with pytest.raises(ValueError, match="the learning rate must be positive, got 0"):
        function_change(net, net.draw(stream(0), 2), x, targets, 0.0)
