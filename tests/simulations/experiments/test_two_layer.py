"""The two-layer trainer, the scale layer and the probe for any loss, against finite differences and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from simulations import Network, mlp, softmax_loss, stream
from simulations.experiments.two_layer import TwoLayer
from simulations.layers.scaling import Scale
from simulations.probe import probe_cotangents


@pytest.mark.parametrize("rectified", [False, True])
def test_a_step_is_down_the_gradient(rectified: bool) -> None:
    rng = stream(0, "two layer")
    network = TwoLayer(rng.normal(size=(1, 3, 4)), rng.normal(size=(1, 4, 2)), rectified)
    x, targets = rng.normal(size=(1, 5, 3)), np.eye(2)[[[0, 1, 1, 0, 1]]]

    def loss(incoming: np.ndarray, outgoing: np.ndarray) -> float:
        hidden = np.maximum(x @ incoming, 0) if rectified else np.tanh(x @ incoming)
        return float(softmax_loss(hidden @ outgoing, targets).loss.mean())

    after = network.step(x, targets, 1.0)
    gradients = network.incoming - after.incoming, network.outgoing - after.outgoing
    for which, gradient in enumerate(gradients):
        for index in np.ndindex(gradient.shape):
            sides = []
            for sign in (1, -1):
                weights = [network.incoming.copy(), network.outgoing.copy()]
                weights[which][index] += sign * 1e-6
                sides.append(loss(*weights))
            assert (sides[0] - sides[1]) / 2e-6 == pytest.approx(gradient[index], abs=1e-8)


def test_outgoing_weights_may_have_their_own_rate() -> None:
    rng = stream(0, "two rates")
    network = TwoLayer(rng.normal(size=(1, 3, 4)), rng.normal(size=(1, 4, 2)))
    x, targets = rng.normal(size=(1, 5, 3)), np.eye(2)[[[0, 1, 1, 0, 1]]]
    same, other = network.step(x, targets, 0.5), network.step(x, targets, 0.5, 1.0)
    assert (same.incoming == other.incoming).all()
    assert np.allclose(other.outgoing - network.outgoing, 2 * (same.outgoing - network.outgoing))


def test_scale_layer() -> None:
    network = Network((Scale(0.5), Scale(3.0)))
    run = network.run(network.draw(stream(0), 1), np.array([[[2.0, -4.0]]]))
    assert run.output.tolist() == [[[3.0, -6.0]]]
    assert run.backward(np.array([[[1.0, 2.0]]]))[0].tolist() == [[[1.5, 3.0]]]
    assert network.tail_degree(0) == 1
    assert network.parameter_names() == ()


def test_any_loss_is_probed_at_every_block() -> None:
    network = mlp([3, 4], classes=2)
    x = stream(0, "x").normal(size=(7, 1, 3))
    z, inner, rounding = probe_cotangents(network, network.draw(stream(0), 7), x, lambda z: 2 * z)
    assert inner.shape == (7, 2)
    assert (np.abs(inner - 2 * np.square(z).sum(-1)) <= rounding + 1e-13).all()
