"""The closed form of the variance at a fixed input, against what is known of it."""

import math

import numpy as np
import pytest

from profiles import profile
from simulations import mlp, residual_mlp, stream
from simulations.layers.dense import Tanh
from simulations.networks.fixup import fixup_mlp
from simulations.networks.rivals import build
from theory.residual.norms import variance_at_fixed_input


def test_of_a_residual_stream_it_is_one_less_than_the_second_moment() -> None:
    found = profile(residual_mlp(8, 4), np.ones((1, 8)), rng=stream(0, "v"), draws=100)
    assert found.variance is not None
    told = [float(variance_at_fixed_input(block)) for block in range(5)]
    assert np.exp2(found.variance.expected) == pytest.approx(told)
    assert found.variance.readings[1:] == ("exact",) * 4


def test_of_the_root_half_it_tends_to_the_second_moment() -> None:
    """(x + F) / sqrt 2 keeps the mean square 1; of it the input's share halves in every block."""
    network = build("sqrt_half", width=8, blocks=3, layers_per_branch=2, features=8, classes=2)
    blocks = type(network)(network.layers[1:-1])
    found = profile(blocks, np.ones((1, 8)), rng=stream(0, "v"), draws=100)
    assert found.variance is not None
    assert np.exp2(found.variance.expected) == pytest.approx([0, 0.5, 0.75, 0.875])


def test_of_relu_layers_it_is_exact_for_the_first_and_a_limit_behind() -> None:
    found = profile(mlp([8] * 3), np.ones((1, 8)), rng=stream(0, "v"), draws=20_000)
    assert found.variance is not None
    assert np.exp2(found.variance.expected) == pytest.approx([0, 1 - 1 / math.pi, 1 - 1 / math.pi])
    assert found.variance.readings[1:] == ("exact", "wide limit")
    assert np.exp2(found.variance.measured[1]) == pytest.approx(1 - 1 / math.pi, rel=0.05)


def test_of_odd_units_it_is_the_second_moment() -> None:
    found = profile(mlp([8] * 3, activation=Tanh()), np.ones((1, 8)), rng=stream(0, "v"), draws=100)
    assert found.variance is not None
    assert found.variance.expected[1:] == pytest.approx(found.second_moment.expected[1:])
    assert found.variance.readings[1:] == ("exact", "wide limit")


def test_of_fixup_it_is_that_of_its_stem() -> None:
    found = profile(fixup_mlp(8, 2, stem=8), np.ones((1, 8)), rng=stream(0, "v"), draws=100)
    assert found.variance is not None
    assert np.exp2(found.variance.expected[1:]) == pytest.approx([1 - 1 / math.pi] * 3)
