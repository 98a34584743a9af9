"""PyTorch's own draws of attention and of Linear layers against the variances that theory gives for them."""

import math
from typing import Any

import numpy as np
import pytest

from theory.transformer import starts

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.slow

WIDTH, OTHER = 96, 32


def variance(weights: Any) -> float:
    return float(np.square(weights.detach().numpy()).mean())


def within(entries: int) -> float:
    """Return six relative deviations of the mean square of so many uniform entries."""
    return 6 * math.sqrt(0.8 / entries)


def test_attention_draws_queries_keys_and_values_as_one() -> None:
    torch.manual_seed(0)
    attention = torch.nn.MultiheadAttention(WIDTH, 4)
    told = float(starts.fused_variance(WIDTH))
    for weights in attention.in_proj_weight.chunk(3):
        assert variance(weights) == pytest.approx(told, rel=within(WIDTH**2))
    assert variance(attention.out_proj.weight) == pytest.approx(1 / (3 * WIDTH), rel=within(WIDTH**2))
    assert not attention.in_proj_bias.any()
    assert not attention.out_proj.bias.any()


def test_keys_of_another_width_are_drawn_apart() -> None:
    torch.manual_seed(1)
    attention = torch.nn.MultiheadAttention(WIDTH, 4, kdim=OTHER, vdim=OTHER)
    query, key = variance(attention.q_proj_weight), variance(attention.k_proj_weight)
    assert query == pytest.approx(1 / WIDTH, rel=within(WIDTH**2))
    assert key == pytest.approx(2 / (WIDTH + OTHER), rel=within(WIDTH * OTHER))
    told = float(starts.logit_square_apart(WIDTH, OTHER))
    assert query * key * WIDTH * OTHER == pytest.approx(told, rel=2 * within(WIDTH * OTHER))


def test_a_whole_transformer_draws_matrices_anew() -> None:
    torch.manual_seed(2)
    whole = torch.nn.Transformer(WIDTH, 4, 1, 1, 4 * WIDTH, batch_first=True)
    layer = whole.encoder.layers[0]
    assert variance(layer.self_attn.out_proj.weight) == pytest.approx(1 / WIDTH, rel=within(WIDTH**2))
    told = float(starts.fused_variance(WIDTH))
    assert variance(layer.self_attn.in_proj_weight) == pytest.approx(told, rel=within(3 * WIDTH**2))
    gain = WIDTH * 4 * WIDTH * variance(layer.linear1.weight) * variance(layer.linear2.weight) / 2
    assert gain == pytest.approx(float(starts.perceptron_gain(WIDTH, 4 * WIDTH)), rel=2 * within(4 * WIDTH**2))


def test_the_perceptron_of_a_layer_as_it_ships() -> None:
    """Drawn 400 times; the mean square of an output has the relative variance of a few hundredths."""
    torch.manual_seed(3)
    x = torch.randn(12)
    x *= 12**0.5 / x.norm()
    squares = []
    for _ in range(400):
        layer = torch.nn.Sequential(torch.nn.Linear(12, 48), torch.nn.ReLU(), torch.nn.Linear(48, 12))
        squares.append(float(layer(x).detach().square().mean()))
    told = float(starts.perceptron_square(12, 48, 12))
    assert np.mean(squares) == pytest.approx(told, abs=6 * float(np.std(squares)) / 20)
