"""The loss at the start and the two theorems."""

import math
from dataclasses import replace

import numpy as np
import pytest

from profiles import loss as losses
from profiles.loss import expected_loss, loss_at_start
from simulations import digits, mlp, probe, stream
from simulations.networks.fixup import fixup_mlp

DIGITS = digits()


def test_zero_logits_lose_log_c() -> None:
    found = loss_at_start(fixup_mlp(8, 2, stem=64, classes=10), DIGITS.x, DIGITS.targets, -math.inf, stream(0))
    assert found.reading == "exact"
    assert found.measured == pytest.approx(math.log(10))
    assert found.expected == math.log(10)
    assert found.bounds == ()


def test_the_loss_of_a_wide_net_is_near_its_limit() -> None:
    """A readout of He's net has logits of the input's mean square; here 1, at width 256."""
    x = np.ones((1, 256))
    found = loss_at_start(mlp([256] * 3, classes=10), x, np.eye(10)[:1], 0.0, stream(0, "wide"))
    assert found.reading == "wide limit"
    assert found.expected is not None
    assert abs(found.measured - found.expected) < 6 * found.error + 0.05


@pytest.mark.parametrize(("log2", "told"), [(-math.inf, math.log(10)), (60.0, 2**30 * 1.53875), (math.nan, None)])
def test_what_theory_says_of_logits(log2: float, told: float | None) -> None:
    value, reading = expected_loss(10, log2)
    assert value == (None if told is None else pytest.approx(told, rel=1e-4))
    assert reading == {math.log(10): "exact", None: "none"}.get(told, "wide limit")


def test_bounds_hold_and_wrong_ones_are_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    network = mlp([64] * 4, classes=10)
    found = loss_at_start(network, DIGITS.x, DIGITS.targets, 6.0, stream(0, "bounds"))
    assert [bound.theorem for bound in found.bounds] == [1, 1, 2, 2]
    for bound in found.bounds:
        assert bound.broken == 0
        assert 0 < bound.tightness <= 1 + 1e-9
        assert 0 <= bound.vacuous < 1
    right = probe.probe_states

    def smaller(*arguments: object) -> object:
        seen = right(*arguments)  # type: ignore[arg-type]
        return replace(seen, gradient_norms=seen.gradient_norms / 20)

    monkeypatch.setattr(losses, "probe_states", smaller)
    assert loss_at_start(network, DIGITS.x, DIGITS.targets, 6.0, stream(0, "bounds")).bounds[0].broken > 0
