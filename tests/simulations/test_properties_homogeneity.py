"""Positive homogeneity: what networks say of their degrees is what scaling does."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations import LeakyReLU, Network, Tanh, mlp, residual_mlp, stream
from simulations.layers.dense import Parameters
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from simulations.strategies import Case, cases, factors

pytestmark = pytest.mark.slow


def scaled(parameters: Parameters, names: frozenset[str], factor: float) -> Parameters:
    return {name: factor * value if name in names else value for name, value in parameters.items()}


def rounding(case: Case) -> Array:
    """Bound that of two runs: a layer with activation, sum and scaling rounds fan_in + 4 times, against |x| |W|."""
    sizes = {name: abs(value) for name, value in case.parameters.items()}
    bound: Array = case.network.run(sizes, abs(case.x)).output
    return 2 * EPS * sum(dense.fan_in + 4 for dense in case.network.weights()) * bound


@given(cases(), factors())
def test_scaling_the_input_scales_the_logits(case: Case, factor: float) -> None:
    """P1, first half."""
    before, after = (case.network.run(case.parameters, x).output for x in (case.x, factor * case.x))
    assert (abs(after - factor * before) <= factor * rounding(case)).all()


@given(cases(), factors())
def test_scaling_a_homogeneous_set_scales_the_logits(case: Case, factor: float) -> None:
    """P1, second half: for every set that the network lists."""
    before = case.network.run(case.parameters, case.x).output
    for names in case.network.homogeneous_sets():
        after = case.network.run(scaled(case.parameters, names, factor), case.x).output
        assert (abs(after - factor * before) <= factor * rounding(case)).all()


@given(cases(homogeneous=None), st.data())
def test_degrees_hold_to_the_bit(case: Case, data: st.DataObject) -> None:
    """Whatever set is scaled by 2, an output of degree k is multiplied by 2^k; a power of two is not rounded."""
    network, parameters = case.network, case.parameters
    names = frozenset(data.draw(st.lists(st.sampled_from(network.parameter_names()), unique=True)))
    run = network.run(parameters, case.x)
    degree = network.degree(0, names)
    if degree is not None:
        after = network.run(scaled(parameters, names, 2.0), case.x).output
        np.testing.assert_array_equal(after, 2.0**degree * run.output)
    for position, state in enumerate(run.states[:-1]):
        if network.tail_degree(position) == 1:
            tail = Network(network.layers[position:])
            np.testing.assert_array_equal(tail.run(parameters, 2 * state).output, 2 * run.output)


LEAKY = LeakyReLU(0.1)
EXAMPLES = {
    "plain": mlp([3, 4, 3], activation=LEAKY, classes=2),
    "plain, biases": mlp([3, 4, 3], activation=LEAKY, classes=2, bias_deviation=1.0),
    "plain, tanh": mlp([3, 4, 3], activation=Tanh(), classes=2),
    "plain, tanh, biases": mlp([3, 4, 3], activation=Tanh(), classes=2, bias_deviation=1.0),
    "residual": residual_mlp(4, 2, activation=LEAKY, stem=3, classes=2, layers_per_branch=2),
    "residual, m = 1": residual_mlp(3, 2, activation=LEAKY, classes=2, layers_per_branch=1),
    "residual, m = 3, projection": residual_mlp(3, 1, activation=LEAKY, classes=2, layers_per_branch=3, project=True),
    "residual, biases": residual_mlp(3, 1, activation=LEAKY, classes=2, bias_deviation=1.0),
    "residual, tanh": residual_mlp(3, 2, activation=Tanh(), classes=2),
}


@pytest.mark.parametrize("network", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_a_set_without_degree_has_none(network: Network) -> None:
    """No unit dies and weights are continuous, so a degree that is measured but not listed has probability 0."""
    parameters = network.draw(stream(1, "degrees"), 1)
    x = stream(1, "degrees", "x").standard_normal((1, 5, 3))
    before = network.run(parameters, x).output
    some = [frozenset(s) for size in (1, 2, 3) for s in combinations(network.parameter_names(), size)]
    for names in some:
        after = network.run(scaled(parameters, names, 2.0), x).output
        measured = [k for k in range(4) if np.array_equal(after, 2.0**k * before)]
        assert measured == [k for k in [network.degree(0, names)] if k is not None], sorted(names)
    listed = [names for names in some if network.degree(0, names) == 1]
    assert set(listed) == set(network.homogeneous_sets(3))


def test_listed_sets_of_known_networks() -> None:
    """By hand: one layer a path. In a residual net: what every path passes, or one each of branch and shortcut."""
    block = {f"block0.layer{i}.weight" for i in range(3)}
    assert [set(s) for s in EXAMPLES["plain"].homogeneous_sets()] == [
        {"layer0.weight"},
        {"layer1.weight"},
        {"readout.weight"},
    ]
    assert [set(s) for s in EXAMPLES["residual"].homogeneous_sets()] == [{"stem.weight"}, {"readout.weight"}]
    assert {frozenset(s) for s in EXAMPLES["residual, m = 3, projection"].homogeneous_sets()} == {
        frozenset({"readout.weight"}),
        *(frozenset({name, "block0.shortcut.weight"}) for name in block),
    }
    assert EXAMPLES["plain, biases"].homogeneous_sets() == (frozenset({"readout.weight", "readout.bias"}),)
