"""What `measure` records, against direct computation on weights that are known."""

from importlib import import_module

import numpy as np
import pytest

from simulations import (
    Dense,
    Initialiser,
    LeakyReLU,
    Network,
    Record,
    Sampling,
    Sequential,
    measure,
    mlp,
    residual_mlp,
    softmax_loss,
    stream,
)
from simulations.engines.request import Extra
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from simulations.weights.kinds import drawn

INPUTS = stream(0, "measure", "inputs").standard_normal((6, 3))
ALL: tuple[Extra, ...] = ("variances", "active", "weight_gradients")
NETWORK = residual_mlp(4, 2, stem=3, classes=5)


def record(
    inputs: Array = INPUTS,
    draws: int = 40,
    *,
    same_input: bool = True,
    backward: bool = False,
    extras: tuple[Extra, ...] = ("variances", "active"),
) -> Record:
    return measure(
        NETWORK,
        inputs,
        draws=draws,
        rng=stream(0, "measure"),
        backward=backward,
        extras=extras,
        sampling=Sampling(same_input=same_input),
    )


def known(weights: Array) -> Initialiser:
    """Draw these weights, every time."""
    return Initialiser(lambda fan_in, fan_out: 1.0, lambda rng, shape: np.broadcast_to(weights, shape).copy())


def test_against_weights_that_are_known() -> None:
    first, last = np.array([[1.0, -2.0], [3.0, 1.0], [0.5, -1.0]]), np.array([[2.0, -1.0, 0.0], [0.0, 1.0, -1.0]])
    network = Network((Sequential((Dense("a", 3, 2, known(first)), LeakyReLU())), Dense("b", 2, 3, known(last))))
    x = np.array([[-1.0, 2.0, 6.0]])
    hidden = np.maximum(x @ first, 0)
    assert np.count_nonzero(hidden) == 1
    found = measure(
        network,
        x,
        draws=6,
        rng=stream(0),
        backward=lambda rng, shape: np.broadcast_to([1.0, 2.0, 4.0], shape),
        extras=("variances", "active", "weight_gradients"),
    )
    back = np.array([[1.0, 2.0, 4.0]]) @ last.T
    masked = back * (hidden > 0)
    expected = [np.square(state).sum() for state in (x, hidden, hidden @ last)]
    np.testing.assert_array_equal(found.square_norms, [expected] * 6)
    np.testing.assert_array_equal(found.variances, np.zeros((3, 3)))
    np.testing.assert_array_equal(found.active, [[3, 1, 2]] * 6)
    assert found.widths == (3, 2, 3)
    cotangents = [np.square(one).sum() for one in (masked @ first.T, back, np.array([1, 2, 4]))]
    np.testing.assert_array_equal(found.gradient_square_norms, [cotangents] * 6)
    assert found.weight_gradients.keys() == {"a.weight", "b.weight"}
    np.testing.assert_array_equal(found.weight_gradients["a.weight"], [np.square(x.T @ masked).sum()] * 6)
    np.testing.assert_array_equal(found.weight_gradients["b.weight"], [np.square(hidden).sum() * 21] * 6)


def test_twins_share_their_input_and_not_their_weights() -> None:
    found = record()
    np.testing.assert_array_equal(found.square_norms[0::2, 0], found.square_norms[1::2, 0])
    np.testing.assert_array_equal(found.variances[:, 0], 0)
    assert (found.square_norms[0::2, 1:] != found.square_norms[1::2, 1:]).all()
    assert (found.variances[:, 1:] > 0).all()
    rows = np.square(INPUTS).sum(axis=1)
    np.testing.assert_allclose(abs(found.square_norms[:, :1] - rows).min(axis=1), 0, atol=8 * EPS * rows.max())
    # 200 pairs leave out one of 6 rows with probability 6 (5/6)^200 < 1e-15.
    assert len(np.unique(record(draws=400).square_norms[:, 0])) == len(INPUTS)


def test_draws_with_inputs_of_their_own() -> None:
    found = record(same_input=False)
    assert (found.square_norms[0::2, 0] != found.square_norms[1::2, 0]).any()
    assert found.variances[:, 0].any()


def test_variances_are_half_the_squared_distance_of_twins() -> None:
    """At the input, with draws that have their own: the distance of two rows."""
    x = np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 2.0]])
    found = record(inputs=x, same_input=False)
    differ = found.square_norms[0::2, 0] != found.square_norms[1::2, 0]
    assert 0 < differ.sum() < 20  # fails once in half a million seeds
    np.testing.assert_array_equal(found.variances[:, 0], 4.5 * differ)


def test_moments_are_averages_over_draws_and_units() -> None:
    found = record(backward=True)
    assert found.widths == (3, 4, 4, 4, 5)
    gradients = found.gradient_square_norms.sum(axis=0) / 40 / [3, 4, 4, 4, 5]
    np.testing.assert_allclose(found.gradient_second_moment, gradients, rtol=1e-14)
    np.testing.assert_allclose(found.second_moment, found.square_norms.sum(axis=0) / 40 / [3, 4, 4, 4, 5], rtol=1e-14)
    np.testing.assert_allclose(found.variance, found.variances.sum(axis=0) / 20 / [3, 4, 4, 4, 5], rtol=1e-14)


def test_gradients_only_if_asked_for() -> None:
    assert record().gradient_square_norms.shape == (40, 0)
    assert record().weight_gradients == {}
    found = record(backward=True)
    assert found.weight_gradients == {}
    assert found.gradient_square_norms.shape == found.square_norms.shape
    np.testing.assert_array_equal(found.gradient_square_norms[:, -1], 5)  # signs at 5 outputs
    assert record(backward=True, extras=ALL).weight_gradients.keys() == set(NETWORK.parameter_names())


@pytest.mark.parametrize(("asked", "given"), [(1, 2), (2, 2), (7, 8)])
@pytest.mark.parametrize("at_once", [1, 1000, 1 << 18])
def test_odd_draws_are_rounded_up_however_many_fit(
    asked: int, given: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("simulations.measure"), "ENTRIES_AT_ONCE", at_once)
    found = record(draws=asked, backward=True, extras=ALL)
    assert found.square_norms.shape == found.active.shape == (given, 5)
    assert found.variances.shape == (given // 2, 5)
    assert {value.shape for value in found.weight_gradients.values()} == {(given,)}
    assert found.gradient_square_norms.shape == (given, 5)


def test_same_stream_same_record() -> None:
    np.testing.assert_array_equal(record().square_norms, record().square_norms)


@pytest.mark.parametrize(
    ("inputs", "draws", "message"),
    [
        (INPUTS, 0, "at least one draw"),
        (INPUTS[:0], 2, "inputs \\(samples, features\\)"),
        (INPUTS[0], 2, "inputs \\(samples, features\\)"),
        (INPUTS[:, :2], 2, "layer 'stem' expects 3 features, got 2"),
    ],
)
def test_refused(inputs: Array, draws: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        record(inputs, draws)


def test_losses_and_their_gradients_are_recorded() -> None:
    x, targets = np.eye(3), np.eye(4)[[2, 0, 3]]
    network = mlp([3, 5], classes=4)
    record = measure(
        network,
        x,
        draws=6,
        rng=stream(0, "loss"),
        targets=targets,
        backward=True,
        engine="drawn",
        extras=("variances", "weight_gradients"),
    )
    (rng,) = stream(0, "loss").spawn(1)
    rows = np.repeat(rng.integers(3, size=3), 2)
    run = network.run(network.draw(rng, 6, drawn()), x[rows][:, None])
    loss = softmax_loss(run.output, targets[rows][:, None])
    np.testing.assert_array_equal(record.losses, loss.loss[:, 0])
    last = np.square(loss.logit_gradient).sum((1, 2))
    np.testing.assert_allclose(record.gradient_square_norms[:, -1], last, rtol=1e-14)
    assert measure(network, x, draws=6, rng=rng).losses.size == 0
