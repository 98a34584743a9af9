"""Networks that are not positively homogeneous must be found out: a property that holds of them too says nothing."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings

from simulations.numbers.arrays import Array
from simulations.probe import probe_states
from simulations.strategies import Case, cases

pytestmark = pytest.mark.slow

Kind = Callable[[Case], bool]
SEARCH = settings(max_examples=1000, phases=[Phase.generate])


def has_tanh(case: Case) -> bool:
    return "Tanh()" in repr(case.network)


def has_bias(case: Case) -> bool:
    return any(dense.bias_deviation is not None for dense in case.network.weights())


KINDS = pytest.mark.parametrize(
    "kind",
    [lambda case: has_bias(case) and not has_tanh(case), lambda case: has_tanh(case) and not has_bias(case)],
    ids=["biases", "tanh"],
)


def gap_over_rounding(case: Case) -> Array:
    """Return by how many rounding bounds theorem 1's equality fails at the network's input."""
    one = case.alone()
    probe = probe_states(one.network, one.parameters, one.x, one.targets)
    gap: Array = abs(probe.inner[:, :1] - (probe.loss.loss - probe.loss.entropy)) / probe.rounding
    return gap


@KINDS
@pytest.mark.parametrize("residual", [False, True], ids=["plain", "residual"])
def test_equality_of_theorem_1_fails(kind: Kind, residual: bool) -> None:
    case = find(
        cases(homogeneous=False, residual=residual),
        lambda case: kind(case) and bool((gap_over_rounding(case) > 1e6).any()),
        settings=SEARCH,
    )
    assert case.network.tail_degree(0) is None


@KINDS
def test_bound_of_theorem_1_fails(kind: Kind) -> None:
    @SEARCH
    @given(cases(homogeneous=False).filter(kind))
    def theorem_1(case: Case) -> None:
        one = case.alone()
        probe = probe_states(one.network, one.parameters, one.x, one.targets)
        excess = probe.loss.loss - probe.loss.entropy
        assert (probe.gradient_norms * probe.state_norms >= excess - probe.rounding).all(), "bound violated"

    with pytest.raises(AssertionError, match="bound violated"):
        theorem_1()


@KINDS
def test_scaling_the_input_fails(kind: Kind) -> None:
    def unscaled(case: Case) -> bool:
        before, after = (case.network.run(case.parameters, x).output for x in (case.x, 2 * case.x))
        return kind(case) and bool((abs(after - 2 * before) > 0.1 * np.abs(before)).any())

    find(cases(homogeneous=False), unscaled, settings=SEARCH)
