"""The strategies: the docstring's example runs, and every awkward thing they promise can be found."""

import doctest
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import simulations.strategies
from simulations.layers.network import Network, Residual
from simulations.numbers.arrays import Array
from simulations.strategies import Case, cases, inputs, labels, networks

pytestmark = pytest.mark.slow

SEARCH = settings(max_examples=1000, phases=[Phase.generate])


def test_example_in_docstring() -> None:
    result = doctest.testmod(simulations.strategies)
    assert result.attempted > 0
    assert result.failed == 0


PROMISED: dict[str, Callable[[Array], bool | np.bool]] = {
    "a huge row": lambda x: bool(abs(x).max() >= 1e149),
    "a tiny row": lambda x: bool(0 < abs(x).max() <= 1e-138),
    "huge and tiny rows together": lambda x: (
        (sizes := abs(x).max(axis=1)).min() > 0 and bool(sizes.max() / 1e200 >= sizes.min())
    ),
    "a zero row among others": lambda x: 0 < np.count_nonzero(x.any(axis=1)) < len(x),
    "duplicate rows": lambda x: bool(x.any(axis=1).all()) and len(np.unique(x, axis=0)) < len(x),
    "dependent rows that differ": lambda x: (
        len(np.unique(x, axis=0)) == len(x) == 3
        and bool(x.any(axis=1).all())
        and np.linalg.matrix_rank(x / abs(x).max(axis=1, keepdims=True)) == 1
    ),
    "full rank": lambda x: (
        len(x) == 4 and np.linalg.matrix_rank(x / abs(x).max(axis=1, keepdims=True).clip(1e-200)) == 4
    ),
    "ties in a row": lambda x: bool((x[:, 0] == x[:, 1]).any() and x[:, 0].all()),
}


@pytest.mark.parametrize("promise", PROMISED.values(), ids=PROMISED.keys())
def test_inputs_hold_what_they_promise(promise: Callable[[Array], bool | np.bool]) -> None:
    find(inputs(), lambda x: bool(promise(x)), settings=SEARCH)


@given(inputs(features=3, samples=4))
def test_inputs_stay_in_their_range(x: Array) -> None:
    assert x.shape == (4, 3)
    assert x.dtype == np.float64
    sizes = abs(x[x != 0])
    assert ((sizes >= 0.99e-150) & (sizes <= 1.01e150)).all()


@given(labels(samples=3, classes=4))
def test_labels_sum_to_1(targets: Array) -> None:
    assert targets.shape == (3, 4)
    assert (targets >= 0).all()
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=0, atol=4 * np.finfo(float).eps)


def test_labels_are_hard_and_soft() -> None:
    find(labels(samples=2), lambda y: bool(((y == 0) | (y == 1)).all()), settings=SEARCH)
    find(labels(samples=2), lambda y: bool((y.max(axis=1) < 0.9).all()), settings=SEARCH)


@given(networks(homogeneous=True), networks(homogeneous=False))
def test_networks_are_of_the_kind_asked_for(homogeneous: Network, other: Network) -> None:
    assert homogeneous.tail_degree(0) == 1
    assert other.tail_degree(0) is None


@given(st.data(), st.booleans())
def test_networks_are_of_the_family_asked_for(data: st.DataObject, residual: bool) -> None:
    network = data.draw(networks(residual=residual))
    assert any(isinstance(block, Residual) for block in network.layers) == residual


@given(cases(homogeneous=None))
def test_cases_stay_finite_both_ways(case: Case) -> None:
    """NumPy's warnings are errors in these tests, so an overflow anywhere would fail as well."""
    one = case.alone()
    run = one.network.run(one.parameters, one.x)
    states = [*run.states, *run.backward(np.ones_like(run.output))]
    assert all(np.isfinite(state).all() for state in states)


@given(cases(homogeneous=None))
def test_samples_alone_are_those_of_the_batch_under_the_same_weights(case: Case) -> None:
    one = case.alone()
    for alone, batch in ((one.x, case.x), (one.targets, case.targets)):
        np.testing.assert_array_equal(alone, batch.swapaxes(0, 1))
    for name, value in one.parameters.items():
        np.testing.assert_array_equal(value, np.broadcast_to(case.parameters[name], value.shape))
        assert len(value) == len(one.x)
