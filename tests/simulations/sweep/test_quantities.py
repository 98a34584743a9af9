"""What the quantities are, worked out by hand on the weights that were drawn, and one engine against another.

Only the comparison of engines is stochastic: two-sample z-tests on means of base-2 logarithms of chi-square products,
whose tails are those of exponentials; at 6 standard errors of 30,000 and more draws a false alarm has probability
below 1e-8 a position, and below 1e-6 in all. Seeds are fixed.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from simulations import stream
from simulations.layers.losses import softmax_loss
from simulations.numbers.arrays import Array
from simulations.sweep import simulate
from simulations.sweep.block import run_block
from simulations.sweep.cell import Cell
from simulations.sweep.moments import Moments
from simulations.sweep.networks import body, classifier, layer_widths
from simulations.sweep.quantities import QUANTITIES, SIMULATIONS, check_quantities, groups
from simulations.sweep.samples import INPUTS, draw_rows, draw_square_norms
from simulations.weights.initialisers import gaussian

CELL = Cell("taper", "he", "relu", 4, 24, "gaussian", 1.5, "drawn")
DRAWS = 6


@pytest.fixture(autouse=True)
def _as_in_a_block() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


def states_by_hand(x: Array, weights: list[Array]) -> list[Array]:
    states = [x]
    for weight in weights:
        states.append(np.maximum(states[-1] @ weight, 0))
    return states


def drawn_weights(cell: Cell, rng: np.random.Generator, draws: int, readout: bool = False) -> list[Array]:
    """Draw what a run on drawn weights draws, layer by layer."""
    layers = (classifier if readout else body)(cell).weights()
    return [dense.init.draw(rng, draws, dense.fan_in, dense.fan_out) for dense in layers]


def squares(states: list[Array]) -> Array:
    return np.stack([np.square(state).sum(axis=(1, 2)) for state in states], axis=1)


def test_second_moments_by_hand() -> None:
    found = simulate.forward(CELL, DRAWS, stream(0, "q"), False)["second_moment"]
    rng = stream(0, "q")
    x, _ = draw_rows(CELL, rng, DRAWS)
    expected = squares(states_by_hand(x, drawn_weights(CELL, rng, DRAWS))) / layer_widths(CELL)
    np.testing.assert_allclose(np.exp2(found), expected, rtol=1e-12)


def test_variances_by_hand() -> None:
    found = simulate.twins(CELL, DRAWS, stream(0, "q"), False)["variance"]
    rng = stream(0, "q")
    x, _ = draw_rows(CELL, rng, DRAWS)
    weights = drawn_weights(CELL, rng, 2 * DRAWS)
    one, other = (states_by_hand(x, [weight[first::2] for weight in weights]) for first in (0, 1))
    expected = squares([a - b for a, b in zip(one, other, strict=True)]) / 2 / layer_widths(CELL)
    np.testing.assert_allclose(np.exp2(found), expected, rtol=1e-12)


def test_gradients_by_hand() -> None:
    found = simulate.backward(CELL, DRAWS, stream(0, "q"), False)
    rng = stream(0, "q")
    x, _ = draw_rows(CELL, rng, DRAWS)
    weights = drawn_weights(CELL, rng, DRAWS)
    states = states_by_hand(x, weights)
    gradients = [gaussian(rng, states[-1].shape)]
    norms: list[Array] = []
    for x, y, weight in reversed(list(zip(states[:-1], states[1:], weights, strict=True))):
        before = gradients[0] * (y > 0)
        norms.insert(0, np.square(x.mT @ before).sum(axis=(1, 2)))
        gradients.insert(0, before @ weight.mT)
    np.testing.assert_allclose(np.exp2(found["gradient"]), squares(gradients) / layer_widths(CELL), rtol=1e-12)
    np.testing.assert_allclose(np.exp2(found["weight_gradient"]), np.stack(norms, axis=1), rtol=1e-12)


def test_correlations_by_hand() -> None:
    found = simulate.pairs(CELL, DRAWS, stream(0, "q"), False)["correlation"]
    rng = stream(0, "q")
    x, _ = draw_rows(CELL, rng, DRAWS, 2)
    for position, state in enumerate(states_by_hand(x, drawn_weights(CELL, rng, DRAWS))):
        expected = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in state]
        np.testing.assert_allclose(found[:, position], expected, atol=1e-12)


def test_losses_and_the_share_of_vacuous_bounds_by_hand() -> None:
    cell = replace(CELL, logit_scale=0.7)
    one = simulate.losses(cell, DRAWS, stream(0, "q"), False)["loss"]
    many = simulate.minibatches(cell, 40, stream(0, "q"), False)
    for draws, batch in ((DRAWS, 1), (40, simulate.BATCH)):
        rng = stream(0, "q")
        x, targets = draw_rows(cell, rng, draws, batch)
        *hidden, readout = drawn_weights(cell, rng, draws, readout=True)
        logits = states_by_hand(x, hidden)[-1] @ readout
        p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
        loss, entropy = -(targets * np.log(p)).sum(axis=-1), -(p * np.log(p)).sum(axis=-1)
        if batch == 1:
            np.testing.assert_allclose(one, loss, rtol=1e-12)
            continue
        excess = (loss - entropy).mean(axis=1)
        np.testing.assert_allclose(many["excess_loss"][:, 0], excess, atol=1e-12)
        np.testing.assert_array_equal(many["theorem_2_vacuous"][:, 0], excess <= 0)
        assert 0 < many["theorem_2_vacuous"].sum() < 40


def test_the_logit_scale_multiplies_the_logits() -> None:
    small, large = (next(reversed(list(classifier(replace(CELL, logit_scale=s)).weights()))) for s in (1.0, 3.0))
    assert large.init.deviation(8, 10) == pytest.approx(3 * small.init.deviation(8, 10))


@pytest.mark.parametrize("theorem", [1, 2])
def test_bounds_over_true_norms_by_hand(theorem: int) -> None:
    cell, batch = replace(CELL, architecture="plain", logit_scale=4.0), 1 if theorem == 1 else simulate.BATCH
    run = simulate.theorem_1 if theorem == 1 else simulate.theorem_2
    tightness = run(cell, 60, stream(0, "q"), False)[f"theorem_{theorem}_tightness"]
    rng = stream(0, "q")
    x, targets = draw_rows(cell, rng, 60, batch)
    weights = drawn_weights(cell, rng, 60, readout=True)
    states = states_by_hand(x, weights[:-1])
    loss = softmax_loss(states[-1] @ weights[-1], targets)
    gradient = (loss.prediction - targets) / batch
    bound = np.maximum((loss.loss - loss.entropy).mean(axis=1), 0)
    for position in reversed(range(5)):
        x, weight = states[position], weights[position]
        of_weight, gradient = x.mT @ gradient, gradient @ weight.mT
        pair = (gradient, x) if theorem == 1 else (of_weight, weight)
        product = np.prod([np.sqrt(np.square(one).sum(axis=(1, 2))) for one in pair], axis=0)
        np.testing.assert_allclose(tightness[:, position], bound / product, rtol=1e-9)
        gradient = gradient * (x > 0)
    assert (tightness <= 1 + 1e-9).all()
    assert (tightness > 0).any()


def test_theorem_1_vacuous_where_the_bound_is_zero() -> None:
    found = simulate.theorem_1(replace(CELL, architecture="plain"), 60, stream(0, "q"), False)
    np.testing.assert_array_equal(found["theorem_1_vacuous"][:, 0] == 1, (found["theorem_1_tightness"] == 0).all(1))
    assert 0 < found["theorem_1_vacuous"].sum() < 60


def test_theorem_2_by_hand_behind_tanh() -> None:
    """Only the readout is a positively homogeneous set there: its gradient is h^T (p - y)."""
    cell = replace(CELL, activation="tanh", logit_scale=4.0)
    found = simulate.theorem_2(cell, DRAWS, stream(0, "q"), False)["theorem_2_tightness"]
    rng = stream(0, "q")
    x, targets = draw_rows(cell, rng, DRAWS, simulate.BATCH)
    *hidden, readout = drawn_weights(cell, rng, DRAWS, readout=True)
    for weight in hidden:
        x = np.tanh(x @ weight)
    loss = softmax_loss(x @ readout, targets)
    gradient = x.mT @ (loss.prediction - targets) / simulate.BATCH
    bound = np.maximum((loss.loss - loss.entropy).mean(axis=1), 0)
    sizes = [np.sqrt(np.square(one).sum(axis=(1, 2))) for one in (gradient, readout)]
    np.testing.assert_allclose(found, (bound / sizes[0] / sizes[1])[:, None], rtol=1e-9)


def test_a_step_does_what_its_gradient_says() -> None:
    """At this rate the smooth network's decrease is its squared gradient, within the second order of a small step."""
    found = simulate.steps(replace(CELL, activation="tanh"), DRAWS, stream(0, "q"), False)
    np.testing.assert_allclose(found["step_along"], found["step_first_order"], rtol=0.03)
    assert (found["step_change"] > found["step_along"]).all()  # |dl/df| is below sqrt(2 / BATCH)


@pytest.mark.parametrize("inputs", INPUTS)
def test_norms_are_those_of_rows(inputs: str) -> None:
    cell = replace(CELL, inputs=inputs, architecture="plain", width=64)
    rows, targets = draw_rows(cell, stream(0, "rows"), 2000)
    norms, labels = draw_square_norms(cell, stream(0, "norms"), 2000, labelled=True)
    assert labels is not None
    assert (rows.shape, targets.shape, labels.shape) == ((2000, 1, 64), (2000, 1, 10), (2000, 10))
    of_rows = np.square(rows).sum(axis=(1, 2))
    if inputs in ("signs", "unit_digits"):
        np.testing.assert_allclose(of_rows, 64)
        np.testing.assert_allclose(norms, 64)
        return
    gap = abs(of_rows.mean() - norms.mean()) / np.sqrt((of_rows.var() + norms.var()) / 2000)
    assert gap < 6  # false alarm below 1e-8
    assert of_rows.std() == pytest.approx(norms.std(), rel=0.25)  # 0.25 is more than 6 standard errors


def test_a_digit_keeps_its_label() -> None:
    cell = replace(CELL, inputs="digits", architecture="plain", width=64)
    rows, targets = draw_rows(cell, stream(0, "rows"), 10_000)
    named = {
        (round(float(np.square(x).sum()), 6), int(y.argmax())) for x, y in zip(rows[:, 0], targets[:, 0], strict=True)
    }
    norms, labels = draw_square_norms(cell, stream(0, "norms"), 200, labelled=True)
    assert labels is not None
    assert {(round(float(x), 6), int(y.argmax())) for x, y in zip(norms, labels, strict=True)} <= named
    assert len(named) <= 256  # rows are 256, and fewer than 1 in 1e14 runs would leave one of them out


def test_two_inputs_and_their_labels_are_independent_rows() -> None:
    x, targets = draw_rows(replace(CELL, inputs="digits"), stream(0, "rows"), 50, 2)
    assert not np.array_equal(x[:, 0], x[:, 1])
    assert not np.array_equal(targets[:, 0], targets[:, 1])


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["taper", "residual"])
@pytest.mark.parametrize("inputs", ["gaussian", "digits"])
def test_engines_agree(shape: str, inputs: str) -> None:
    init = "he_lecun" if shape == "residual" else "he"
    cell = Cell(shape, init, "relu", 4, 24, inputs, 0.5)
    quantities = ("second_moment", "gradient", "weight_gradient", "loss")
    for group in groups(quantities):
        radial = run_block(cell, 0, 60_000, 0, group)
        undrawn = run_block(replace(cell, engine="undrawn"), 0, 30_000, 0, group)
        drawn = run_block(replace(cell, engine="drawn"), 0, 30_000, 0, group)
        for name in group:
            for one, other in ((radial, undrawn), (radial, drawn), (undrawn, drawn)):
                assert standard_errors_apart(one[name], other[name]).max() < 6, name


def standard_errors_apart(one: Moments, other: Moments) -> Array:
    error = np.sqrt(one.log_variance / one.log_count + other.log_variance / other.log_count)
    gap = np.abs(one.log_mean - other.log_mean)
    apart: Array = np.where(error > 0, gap / np.where(error > 0, error, 1), np.where(gap < 1e-12, 0, np.inf))
    return apart


def test_every_quantity_has_the_positions_that_it_says() -> None:
    cell = Cell("plain", "he", "relu", 3, 8, "signs")
    check_quantities(cell, tuple(QUANTITIES))
    positions = {"states": 4, "weights": 3, "blocks": 4, "sets": 4, "one": 1}
    for group in groups(tuple(QUANTITIES)):
        for name, moments in run_block(cell, 0, 40, 0, group).items():
            assert len(moments.mean) == positions[QUANTITIES[name].positions], name
            assert (moments.nonfinite < 40).all()
    assert {quantity.simulation for quantity in QUANTITIES.values()} == set(SIMULATIONS)


@pytest.mark.slow
def test_deep_networks_overflow_nothing_by_norms_and_are_counted_elsewhere() -> None:
    deep = Cell("residual", "he_lecun", "relu", 1500, 8, "signs")
    norms = run_block(deep, 0, 50, 0, ("second_moment",))["second_moment"]
    assert norms.nonfinite[-1] > 0
    assert norms.log_count[-1] == 50
    states = run_block(replace(deep, engine="drawn"), 0, 50, 0, ("second_moment",))["second_moment"]
    assert states.nonfinite[-1] > 0
    assert states.nonfinite[0] == 0
