"""What must be so in every draw of a radial chain, and what it refuses."""

import math

import numpy as np
import pytest

from simulations import Dense, Network, lecun, mlp, residual_mlp, stream, uniform
from simulations.engines.radial import RadialRecord, radial
from tests.simulations.engines.radial_cases import MIXED, ZEROS, one_branch


def run(network: Network, draws: int = 2000, square_norm: float = 1.0, *, seed: int = 0) -> RadialRecord:
    """A run in both directions from inputs of one norm."""
    rng = stream(seed, "radial alone")
    return radial(network, np.full(draws, square_norm), rng=rng, backward=True, weight_gradients=True)


@pytest.mark.parametrize("network", [mlp([1, 2, 1, 2], classes=1), residual_mlp(2, 3, hidden=1, classes=1)])
def test_no_state_and_cotangent_are_shorter_than_their_constant_inner_product_allows(network: Network) -> None:
    record = run(network)
    products = record.square_norms * record.gradient_square_norms
    assert (products >= products[:, -1:] * (1 - 1e-9)).all()
    assert products[:, -1] == pytest.approx(record.square_norms[:, -1])  # one logit, whose cotangent is a sign


def test_in_one_dimension_the_product_of_norms_is_constant() -> None:
    for network in (one_branch(1), residual_mlp(1, 3, hidden=3)):
        readout = Network((*network.layers, Dense("readout", 1, 1)))
        record = run(readout)
        products = record.square_norms * record.gradient_square_norms
        np.testing.assert_allclose(products, np.repeat(products[:, -1:], products.shape[1], axis=1), rtol=1e-12)


def test_a_dead_layer_kills_what_is_above_it_and_all_gradients_but_its_successor_s() -> None:
    record = run(mlp([3, 2, 2, 2], classes=3))
    dead = record.active[:, 1] == 0
    assert 0.2 < dead.mean() < 0.3  # 1/4: four standard errors are 0.04
    assert not record.square_norms[dead, 1:].any()
    assert not record.active[dead, 1:].any()
    assert not record.gradient_square_norms[dead, 0].any()
    assert not any(gradient[dead].any() for gradient in record.weight_gradients.values())
    last = (record.active[:, 2] > 0) & (record.active[:, 3] == 0)
    assert record.gradient_square_norms[last, 3].all()
    assert not record.gradient_square_norms[last, :3].any()
    alive = record.active[:, 3] > 0
    assert all(gradient[alive].all() for gradient in record.weight_gradients.values())


def test_a_zero_input_gives_zeros_and_signs() -> None:
    record = run(MIXED, 50, 0.0)
    assert not record.square_norms.any()
    assert not record.active.any()
    assert record.gradient_square_norms[:, -1] == pytest.approx(4)
    assert not any(gradient.any() for gradient in record.weight_gradients.values())


def test_a_branch_whose_last_layer_is_zero_is_the_identity_and_learns_in_that_layer_alone() -> None:
    record = run(ZEROS)
    assert record.square_norms[:, 1] == pytest.approx(1)
    np.testing.assert_allclose(record.square_norms[:, 2:6], record.square_norms[:, 2:3].repeat(4, axis=1), rtol=1e-12)
    np.testing.assert_allclose(record.gradient_square_norms[:, 0], record.gradient_square_norms[:, 1], rtol=1e-12)
    learns = {name: bool(gradient.any()) for name, gradient in record.weight_gradients.items()}
    assert learns == dict.fromkeys(learns, False) | dict.fromkeys(
        ("readout.weight", "h.weight", "e.weight", "c.weight", "b.weight"), True
    )


def test_equal_seeds_give_equal_numbers_and_others_do_not() -> None:
    first, second, third = run(MIXED), run(MIXED), run(MIXED, seed=1)
    np.testing.assert_array_equal(first.gradient_square_norms, second.gradient_square_norms)
    assert not np.array_equal(first.square_norms, third.square_norms)


def test_width_costs_nothing() -> None:
    record = run(mlp([10**9] * 5, classes=10**6), 100)
    assert record.square_norms[:, :-1] == pytest.approx(1, abs=2e-3)
    assert record.gradient_square_norms / 10**6 == pytest.approx(1, abs=2e-2)


@pytest.mark.slow
def test_a_hundred_thousand_layers_neither_overflow_nor_underflow() -> None:
    width, depth, scale = 8, 100_000, 1e-3
    network = mlp([width] * (depth + 1), init=lecun.scaled(scale), activation=None)
    record = radial(network, np.ones(2), rng=stream(0, "deep"), log2=True)
    # For 8 degrees of freedom E log chi^2 = log 2 + psi(4), psi(4) = 11/6 - Euler's constant; Var = psi'(4) = 0.2838.
    mean = 2 * math.log(scale) + math.log(2 / width) + 11 / 6 - 0.5772156649015329
    assert record.square_norms[:, -1] * math.log(2) == pytest.approx(depth * mean, abs=6 * math.sqrt(0.2838 * depth))
    with pytest.raises(OverflowError, match=r"after block \d+ of 200 leave .*; ask simulations.radial for log2=True"):
        radial(Network(network.layers[:200]), np.ones(2), rng=stream(0, "deep"))


@pytest.mark.slow
def test_five_thousand_blocks_there_and_back_in_logarithms() -> None:
    network = residual_mlp(4, 5000, classes=3)
    record = radial(network, np.ones(3), rng=stream(0, "deep"), backward=True, weight_gradients=True, log2=True)
    assert all(np.isfinite(norms).all() for norms in (record.square_norms, record.gradient_square_norms))
    products = record.square_norms + record.gradient_square_norms
    assert (record.square_norms[:, -1] > 2048).all()
    assert products[:, 0] == pytest.approx(products[:, -1], abs=60)  # both ends of the chain grow alike
    with pytest.raises(OverflowError, match="logits that are not finite"):
        radial(network, np.ones(3), rng=stream(0, "deep"), targets=np.eye(3))


def test_a_confident_loss_has_a_cotangent_whose_square_would_underflow() -> None:
    network, targets = mlp([2], classes=2), np.repeat(np.eye(2)[:1], 2000, axis=0)
    record = radial(network, np.full(2000, 2e4), rng=stream(0, "loss"), backward=True, targets=targets, log2=True)
    assert np.isfinite(record.gradient_square_norms).all()  # logits of deviation 100 differ by less than 745
    assert record.gradient_square_norms[:, -1].max() == pytest.approx(1)
    assert record.gradient_square_norms[:, -1].min() < -1100


def test_logarithms_are_those_of_the_numbers() -> None:
    numbers, logs = (
        radial(MIXED, np.ones(500), rng=stream(0, "logs"), backward=True, weight_gradients=True, log2=log2)
        for log2 in (False, True)
    )
    np.testing.assert_allclose(np.exp2(logs.square_norms), numbers.square_norms, rtol=1e-12)
    np.testing.assert_allclose(np.exp2(logs.gradient_square_norms), numbers.gradient_square_norms, rtol=1e-12)
    np.testing.assert_allclose(np.exp2(logs.weight_gradients["a.weight"]), numbers.weight_gradients["a.weight"])


def test_arguments_that_do_not_fit_are_refused() -> None:
    hidden, logits = mlp([2, 3]), mlp([2, 3], classes=2)
    with pytest.raises(ValueError, match="random signs need a last linear layer"):
        run(hidden)
    with pytest.raises(ValueError, match="random signs need a last linear layer"):
        run(residual_mlp(2, 1))
    with pytest.raises(ValueError, match="gaussian or rademacher"):
        radial(logits, np.ones(2), rng=stream(0), backward=True, cotangent=uniform)
    with pytest.raises(ValueError, match="targets need logits"):
        radial(hidden, np.ones(2), rng=stream(0), targets=np.ones((2, 1)))
    with pytest.raises(ValueError, match="expected targets"):
        radial(logits, np.ones(2), rng=stream(0), targets=np.ones((2, 1)))
    with pytest.raises(ValueError, match="needs backward"):
        radial(logits, np.ones(2), rng=stream(0), weight_gradients=True)
    for wrong in (np.empty(0), np.ones((2, 2)), np.array([-1.0]), np.array([np.nan])):
        with pytest.raises(ValueError, match="squared norms"):
            radial(logits, wrong, rng=stream(0))
