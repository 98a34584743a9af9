"""Closed forms of starts against NumPy and quoted numbers."""

import numpy as np
import pytest

from theory.transformer import (
    branch_scales,
    deepnorm,
    first_moves,
    positions,
    scaled_inputs,
    shared_keys,
    starts,
    tied_readout,
    value_path,
)
from theory.transformer import coordinate_check as check


def test_initialisers_as_shipped() -> None:
    assert float(starts.fused_variance(64)) == 1 / 128
    assert starts.logit_square() == starts.logit_square_apart(6, 2) / 2 == pytest.approx(0.25)
    assert float(starts.perceptron_gain(5, 20)) == pytest.approx(8 / 25)
    assert float(starts.perceptron_square(10, 40, 10)) == pytest.approx(1.1 / 18 + 1 / 120)


def test_a_perceptron_of_uniform_entries() -> None:
    rng, d, h = np.random.default_rng(1), 3, 5
    x = rng.standard_normal(d)
    first, last = (rng.uniform(-1, 1, (200_000, n, m)) / np.sqrt(n) for n, m in ((d, h), (h, d)))
    one, other = (rng.uniform(-1, 1, (200_000, m)) / np.sqrt(n) for n, m in ((d, h), (h, d)))
    y = np.einsum("nh,nhd->nd", np.maximum(x @ first + one, 0), last) + other
    assert float(starts.perceptron_square(d, h, x @ x)) == pytest.approx(np.square(y).mean(), rel=0.02)


def test_positions() -> None:
    assert positions.sinusoids_square(10) == 5
    assert positions.embedded_square(10) == 15
    assert float(positions.product_of_pairs(0.1, 3)) == pytest.approx(np.cos(0.3))
    with pytest.raises(ValueError, match="expected an even number"):
        positions.sinusoids_square(7)


def test_tied_readouts() -> None:
    assert float(tied_readout.own_logit(10)) == pytest.approx(3.1623, abs=1e-4)
    assert (float(tied_readout.own_spread()), float(tied_readout.other_spread())) == (2.5, 1.5)
    rng, d = np.random.default_rng(2), 4
    row, fixed = rng.normal(0, d**-0.5, (400_000, d)), np.sqrt(d / 2) * np.array([0.6, 0, 0.8, 0])
    logits = np.einsum("nd,nd->n", row, np.sqrt(d) * row + fixed)
    assert float(tied_readout.own_fourth_moment(d)) == pytest.approx(((logits - 2) ** 4).mean(), rel=0.05)


@pytest.mark.parametrize("layers", [1, 12, 100])
def test_deepnorm_as_published(layers: int) -> None:
    alpha, beta = (float(one) for one in deepnorm.stack_constants(2 * layers))
    assert (alpha, beta) == pytest.approx(((2 * layers) ** 0.25, (8 * layers) ** -0.25))
    alpha, beta = (float(one) for one in deepnorm.stack_constants(3 * layers))
    assert (alpha, beta) == pytest.approx(((3 * layers) ** 0.25, (12 * layers) ** -0.25))
    alpha, beta = (float(one) for one in deepnorm.encoder_constants(layers, layers))
    depth = layers ** (5 / 16)
    assert (round(alpha / depth, 2), round(beta * depth, 2)) == (0.81, 0.87)
    assert (alpha / depth, beta * depth) == pytest.approx((0.81384, 0.86885), abs=1e-5)


def test_scales_of_branches() -> None:
    told = [float(branch_scales.kernel_trace(*case)) for case in ((4, 0.5), (16, 0.25), (4, 1), (4, 0.25))]
    assert told == pytest.approx([1.953, 2.483, 32, 0.2999], abs=5e-4)
    assert branch_scales.gain_trace(3, 4, 6) == 2
    assert branch_scales.layer_scale().result == branch_scales.rezero().result


def test_t_fixup() -> None:
    told = [float(scaled_inputs.t_fixup_trace(depth, 4, 8)) for depth in (1, 2, 1000)]
    assert told == pytest.approx([3, 4.5, 3 * 1.001**999])
    unscaled = [scaled_inputs.kernel_trace(depth, 4, 8, depth**-0.25) for depth in (2, 16)]
    assert [float(one) for one in unscaled] == pytest.approx([4.5 * 2**0.5, 12 * (17 / 16) ** 15])


def test_who_moves_when() -> None:
    assert first_moves.first_moves() == {
        "output layer": 1,
        "decoder, adding": 2,
        "decoder, inside": 3,
        "encoder, adding": 3,
        "encoder, inside": 4,
    }


def test_shared_keys() -> None:
    assert shared_keys.ratio_of_squares(2) == 2
    rng = np.random.default_rng(3)
    one, other, key = rng.standard_normal((3, 400_000, 4))
    squares = np.vecdot(one, key) ** 2 * np.vecdot(other, key) ** 2
    assert float(shared_keys.ratio_of_squares(4)) == pytest.approx(squares.mean() / 16, rel=0.05)


def test_steps_of_a_layer() -> None:
    x, gradient = np.array([1.0, -2.0, 0.5]), -3.0
    slopes = gradient * x
    assert float(check.sgd_move(0.1, gradient, x @ x)) == pytest.approx(-0.1 * slopes @ x)
    assert float(check.adam_move(0.1, gradient, np.abs(x).sum())) == pytest.approx(-0.1 * np.sign(slopes) @ x)


def test_traces_of_branches() -> None:
    assert value_path.attention_trace(2, 3, 0.5) == pytest.approx(1.5)
    assert value_path.perceptron_trace(2, 3, 4, 8, 0.5) == pytest.approx(3)
    assert value_path.depth_free().result == pytest.approx(-0.5)
    with pytest.raises(ValueError, match="factor is 0"):
        value_path.attention_trace(1, 1, 0)
