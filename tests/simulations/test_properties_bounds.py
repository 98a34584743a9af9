"""The softmax identity, theorems 1 and 2 and the entropy bound, on whatever Hypothesis finds.

Tolerances are the rounding bounds that come with the losses and probes.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations import softmax_loss
from simulations.layers.losses import EPS
from simulations.probe import probe_sets, probe_states
from simulations.strategies import Case, cases, inputs, labels

pytestmark = pytest.mark.slow


@given(st.data(), st.integers(2, 8))
def test_softmax_identity(data: st.DataObject, classes: int) -> None:
    """P4, for hard and soft labels, logits up to 1e150 and ties."""
    logits = data.draw(inputs(features=classes))
    targets = data.draw(labels(samples=len(logits), classes=classes))
    found = softmax_loss(logits, targets)
    left = ((found.prediction - targets) * logits).sum(-1)
    assert (abs(left - (found.loss - found.entropy)) <= found.rounding).all()
    # Not vacuous: the bound itself is a small multiple of what one rounding of the largest number involved can do.
    assert (found.rounding <= 40 * (classes + 4) * EPS * (abs(logits).max(axis=1) + np.log(classes))).all()


@given(cases(homogeneous=None))
def test_theorem_1(case: Case) -> None:
    """P5: <dl/dx, x> = l - H, and the bound that follows, at every block input from which on the degree is 1."""
    one = case.alone()
    probe = probe_states(one.network, one.parameters, one.x, one.targets)
    positions = [i for i in range(len(one.network.layers)) if one.network.tail_degree(i) == 1]
    inner, product = probe.inner[:, positions], (probe.gradient_norms * probe.state_norms)[:, positions]
    excess = probe.loss.loss - probe.loss.entropy
    assert (abs(inner - excess) <= probe.rounding).all()
    assert (product >= excess - probe.rounding).all()


@given(cases(homogeneous=None))
def test_theorem_2(case: Case) -> None:
    """P7: the same for every p.h. set that the network lists, on minibatches."""
    network = case.network
    probes = probe_sets(network, case.parameters, case.x, case.targets, network.homogeneous_sets())
    for probe in probes.values():
        excess = (probe.loss.loss - probe.loss.entropy).mean(axis=1)
        assert (abs(probe.inner - excess) <= probe.rounding).all()
        assert (probe.gradient_norm * probe.parameter_norm >= excess - probe.rounding).all()


@given(st.data(), st.integers(2, 8))
def test_entropy_is_between_0_and_log_c(data: st.DataObject, classes: int) -> None:
    """P6."""
    logits = data.draw(inputs(features=classes))
    found = softmax_loss(logits, data.draw(labels(samples=len(logits), classes=classes)))
    assert (found.entropy <= np.log(classes) + found.rounding).all()
    assert (found.entropy >= 0).all()


@given(cases(homogeneous=None), st.floats(-5, 5))
def test_loss_ignores_a_common_shift_of_logits(case: Case, shift: float) -> None:
    """Softmax does not change when all logits move together; the loss's bound covers the rounding of the shift."""
    logits = np.clip(case.network.run(case.parameters, case.x).output, -1e3, 1e3)
    before, after = softmax_loss(logits, case.targets), softmax_loss(logits + shift, case.targets)
    assert (abs(after.loss - before.loss) <= before.rounding + after.rounding).all()
