"""Rules that count blocks or take a number: right ones are sound, and slips are named with both deviations."""

from __future__ import annotations

import math
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from audit import AuditError, Report, audit
from audit.rules import SCALED, Depth, claimed
from tests.audit import nets
from tests.audit.nets import inputs, one
from theory.fixup.scale import fixup_scale
from theory.transformer.deepnorm import stack_constants

N, WIDTH = 12, 32


class Block(nn.Module):  # type: ignore[misc]
    def __init__(self, inner: Any, outer: Any, hidden: int = 48) -> None:
        super().__init__()
        self.norm, self.c_fc = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, hidden, bias=False)
        self.c_proj = nn.Linear(hidden, WIDTH, bias=False)
        inner(self.c_fc.weight)
        outer(self.c_proj.weight)

    def forward(self, x: Any) -> Any:
        return x + self.c_proj(torch.relu(self.c_fc(self.norm(x))))


def normal(deviation: float) -> Any:
    return lambda weight: nn.init.normal_(weight, 0, deviation)


def he_times(factor: float) -> Any:
    return lambda weight: nn.init.normal_(weight, 0, factor * math.sqrt(2 / weight.shape[1]))


def glorot_times(factor: float) -> Any:
    return lambda weight: nn.init.xavier_normal_(weight, gain=factor)


def report(inner: Any, outer: Any, claim: Any, blocks: int = N) -> Report:
    return audit(
        lambda: nn.Sequential(*(Block(inner, outer) for _ in range(blocks))), inputs(4, WIDTH), seeds=8, claim=claim
    )


CLAIMS = {"*.c_proj.weight": "gpt2_residual", "*.c_fc.weight": "deviation:0.02"}
FIXUP = {"*.c_fc.weight": "fixup", "*.c_proj.weight": "zero"}
DEEPNORM = {"*": "deepnorm"}
SOUND = {
    "GPT-2": (normal(0.02), normal(0.02 / math.sqrt(2 * N)), CLAIMS),
    "GPT-2, counted by the user": (
        *(normal(0.02), normal(0.02 / math.sqrt(48))),
        {**CLAIMS, "*.c_proj.weight": "gpt2_residual:24"},
    ),
    "Fixup": (he_times(N**-0.5), nn.init.zeros_, FIXUP),
    "DeepNorm": (glorot_times((8 * N) ** -0.25), glorot_times((8 * N) ** -0.25), DEEPNORM),
    "T-Fixup": (*(glorot_times((9 * N) ** -0.25),) * 2, {"*": "t_fixup_decoder"}),
    "not claimed": (normal(0.02), normal(0.02 / math.sqrt(2 * N)), None),
}


@pytest.mark.parametrize("name", SOUND)
def test_what_is_drawn_as_claimed_is_sound(name: str) -> None:
    inner, outer, claim = SOUND[name]
    said = [
        line
        for line in report(inner, outer, claim).statements
        if line.kind in ("initialiser", "exact, given the input")
    ]
    assert not [line for line in said if line.verdict == "against"], said


SLIPS = {
    "scaling lost": (
        *(normal(0.02), normal(0.02), CLAIMS, "0.c_proj.weight"),
        "std is 0.02 where 0.02/sqrt(24) was claimed: the scaling of residual projections is missing",
    ),
    "half of the branches": (
        *(normal(0.02), normal(0.02 / math.sqrt(N)), CLAIMS, "0.c_proj.weight"),
        "std is 0.00577 where 0.02/sqrt(24) was claimed: N blocks have 2 N branches, and N was taken",
    ),
    "Fixup's scale lost": (
        *(nets.he, nn.init.zeros_, FIXUP, "3.c_fc.weight"),
        "std is 0.25 where 0.25 * 12^(-1/(2*2-2)) was claimed: Fixup's scale is missing",
    ),
    "on the variance": (
        *(he_times(N**-0.25), nn.init.zeros_, FIXUP, "3.c_fc.weight", "the scale was put on the variance"),
    ),
    "the last layer drawn": (he_times(N**-0.5), nets.he, FIXUP, "3.c_proj.weight", "claimed to be zero"),
    "DeepNorm's beta lost": (
        *(glorot_times(1), glorot_times((8 * N) ** -0.25), DEEPNORM, "3.c_fc.weight"),
        "the scaling of the value path is missing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_named(name: str) -> None:
    inner, outer, claim, where, cause = SLIPS[name]
    (said,) = report(inner, outer, claim).about(where, "initialiser")
    assert said.verdict == "against"
    assert said.cause.split(";")[0] == cause or cause in said.cause, said


def test_the_counted_scale_is_found_without_a_claim() -> None:
    (said,) = report(normal(0.02), normal(0.02 / math.sqrt(2 * N)), None).about("0.c_proj.weight", "initialiser")
    assert said.verdict == "note"
    assert "GPT-2's residual projections" in said.words
    assert said.words.endswith("here 12")


def test_scales_are_those_of_theory() -> None:
    for blocks in (1, 6, 24):
        depth = Depth(blocks, 3)
        assert SCALED["deepnorm"].scale(depth) == pytest.approx(float(stack_constants(2 * blocks)[1]))
        assert SCALED["deepnorm_decoder"].scale(depth) == pytest.approx(float(stack_constants(3 * blocks)[1]))
        assert SCALED["fixup"].scale(depth) == pytest.approx(float(fixup_scale(blocks, 3)))


def test_rules_with_numbers() -> None:
    fans = (20.0, 5.0)
    assert claimed("siren").rule(*fans) == 2 / (20 * 900)
    assert claimed("siren:1").rule(*fans) == 2 / 20
    assert claimed("siren_first").rule(*fans) == 1 / 1200
    assert claimed("deviation:0.5").rule(*fans) == 0.25
    assert claimed("caffe").rule(*fans) == claimed("mup").rule(*fans) == 1 / 20
    assert claimed("mup_output").rule(*fans) == 1 / 400
    assert claimed("glorot@7x9").fans == (7, 9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gpt2_residual", "gpt2_residual counts residual blocks, and 0 were found; say how many, as gpt2_residual:12"),
        ("fixup:12", "say how many, as fixup:12:2"),
        ("gpt2_residual:many", "expected at most 1 positive whole numbers"),
        ("gpt2_residual:12:2", "expected at most 1 positive whole numbers"),
        ("glorot:3", "expected 0 positive numbers"),
        ("glorot@3", "expected 2 positive whole numbers"),
        ("deviation:-1", "expected 1 positive numbers"),
        ("kaiming:3", "no rule is called 'kaiming'"),
    ],
)
def test_claims_that_make_no_sense(text: str, message: str) -> None:
    with pytest.raises(AuditError) as stop:
        claimed(text)
    assert message in str(stop.value)


def test_identity_zero_and_lookups_are_recognised() -> None:
    said = audit(lambda: one(nn.Linear(8, 8), nn.init.eye_), inputs(4, 8), seeds=3).about("0.weight")[0]
    assert (said.verdict, said.words) == ("sound", "identity, gain 1")
    said = audit(lambda: one(nn.Conv1d(4, 4, 3), nn.init.dirac_), inputs(2, 4, 8), seeds=3).about("0.weight")[0]
    assert said.words == "identity, gain 1"
    looked = audit(
        lambda: nn.Sequential(nn.Embedding(500, 16), nn.Linear(16, 4)),
        [[1, 2]],
        seeds=8,
        claim={"0.*": "deviation:0.02"},
    ).about("0.weight")[0]
    assert looked.verdict == "against"
    assert "variance 2.3e+03 to" in looked.words or "times the claimed 0.0004" in looked.words
