"""Questions from public threads, each answered by one audit, with the numbers that are derived in words there."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from torch import nn

from audit import Report, Statement, audit
from tests.audit import nets
from tests.audit.nets import inputs, one


def only(report: Report, where: str, kind: str = "initialiser") -> Statement:
    (found,) = report.about(where, kind)
    return found


def times_he(statement: Statement, fan_in: float) -> float:
    """Return the variance that was recognised in units of 2 / fan_in."""
    return statement.numbers["variance"] * fan_in / 2


def signs(*shape: int) -> Any:
    """Return inputs whose squares are all 1, which makes edges exact."""
    return np.sign(inputs(*shape))


def kept(layer: Any, draw: Any, shape: tuple[int, ...]) -> tuple[Report, float]:
    """Return an audit of one layer, and the share of its input's mean square that was seen behind it."""
    report = audit(lambda: one(layer(), draw), signs(*shape))
    module = report.measured.modules["0"]
    return report, module.mean("output mean square") / module.mean("input mean square")


def test_1_fused_projections_have_half_the_variance() -> None:
    report = audit(nets.Attention, inputs(4, 6, 32))
    for number in (1, 2, 3):
        said = only(report, f"attention.in_proj_weight[{number} of 3]")
        assert said.verdict == "against"
        assert said.numbers["variance"] == 0.5 / 32
        assert "each of q, k and v has 0.5 of its variance, so attention logits have 0.25" in said.cause
    assert "keeps 0.333" in only(report, "attention.out_proj.weight").words


def test_2_depthwise_by_fan_out() -> None:
    said = only(kept(lambda: nn.Conv2d(32, 32, 3, groups=32), nets.fan_out_normal, (2, 32, 8, 8))[0], "0.weight")
    assert said.verdict == "against"
    assert times_he(said, 9) == pytest.approx(1 / 32)
    assert "all 32 groups (the channels of a depthwise convolution)" in said.cause


def test_3_groups() -> None:
    def over_all(weight: Any) -> None:
        nn.init.normal_(weight, 0, math.sqrt(2 / (4 * weight[0].numel())))

    report, _ = kept(lambda: nn.Conv2d(16, 16, 3, groups=4), over_all, (4, 16, 8, 8))
    said = only(report, "0.weight")
    assert said.verdict == "against"
    assert times_he(said, 36) == pytest.approx(1 / 4)
    assert "over all 4 groups" in said.cause


def test_4_transposed_by_fan_out() -> None:
    report, share = kept(lambda: nn.ConvTranspose2d(128, 32, 4, 2, 1), nets.fan_out_normal, (1, 128, 9, 9))
    said = only(report, "0.weight")
    assert said.verdict == "against"
    assert times_he(said, 128 * 16 / 4) == 0.25
    exact = only(report, "0", "exact, given the input")
    assert exact.verdict == "sound"
    # at the edges of 18 by 18 places, one of 18 on each axis sees nothing of the kernel's 2
    assert exact.numbers["keeps"] / 2 == pytest.approx(0.25 * (17 / 18) ** 2, rel=1e-6)
    assert share / 2 == pytest.approx(0.25 * (17 / 18) ** 2, rel=0.02)


def test_4_transposed_by_fan_in() -> None:
    """Without a claim it is He by fan_out, and nothing is wrong; what was meant must be said."""
    report = audit(
        lambda: one(nn.ConvTranspose2d(128, 32, 3, padding=1), nets.he), signs(1, 128, 16, 16), claim="he_fan_in"
    )
    said = only(report, "0.weight")
    assert said.verdict == "against"
    assert "PyTorch's fans of a transposed convolution, inputs and outputs swapped: 4" in said.cause
    exact = only(report, "0", "exact, given the input")
    assert exact.verdict == "against"
    assert exact.numbers["seen / expected"] == pytest.approx(4, rel=0.02)
    # what 3.97 becomes at 16 by 16 places, of whose 48 pairs on an axis 2 are cut off
    assert 4 * exact.numbers["keeps"] / 2 == pytest.approx(4 * (46 / 48) ** 2, rel=1e-6)


def test_5_the_default_keeps_a_third() -> None:
    report, share = kept(lambda: nn.Linear(48, 64, bias=False), None, (16, 48))
    said = only(report, "0.weight")
    assert (said.verdict, said.numbers["variance"]) == ("note", 1 / (3 * 48))
    assert only(report, "0", "exact, given the input").numbers["keeps"] == pytest.approx(1 / 3)
    assert share == pytest.approx(1 / 3, rel=0.05)


def test_9_stacked_gates_have_a_quarter() -> None:
    report = audit(lambda: nets.Recurrent(nn.init.orthogonal_), inputs(4, 5, 24))
    for number in (1, 2, 3, 4):
        said = only(report, f"cell.weight_hh_l0[{number} of 4]")
        assert said.verdict == "against"
        assert "each block has 0.25 of the variance meant" in said.words
