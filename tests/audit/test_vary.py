"""How one step moves the function as a model grows: the powers that theory gives, with verdicts."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from audit import AuditError, Statement, vary
from audit.__main__ import main
from tests.audit.nets import inputs
from tests.refusals import refused
from theory.transformer.branch_scales import kernel_trace

X = inputs(16, 8)
WIDTHS = (64, 128, 256)


class Hidden(nn.Module):  # type: ignore[misc]
    """A hidden layer, whose output is that of weights of deviation 1 times a power of the width, or drawn so."""

    def __init__(self, width: int, times: float) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(8, width, bias=False), nn.Linear(width, 4, bias=False)
        nn.init.normal_(self.inner.weight, 0, 8**-0.5)
        nn.init.normal_(self.outer.weight, 0, 1 / (times * math.sqrt(width)))
        self.times = times

    def forward(self, x: Any) -> Any:
        return self.outer(torch.relu(self.inner(x))) * self.times


def standard(width: int) -> Any:
    return Hidden(width, 1.0)


def tangent(width: int) -> Any:
    """Return the parametrisation of the tangent kernel: weights of deviation 1, an output over sqrt(width)."""
    return Hidden(width, width**-0.5)


class Sums(nn.Module):  # type: ignore[misc]
    """Residual branches of one layer, times a scale, and a readout that is not trained."""

    def __init__(self, depth: int, scale: float, width: int = 24) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(depth))
        for one in self.branches:
            nn.init.normal_(one.weight, 0, width**-0.5)
        self.readout, self.scale = nn.Parameter(torch.ones(width), requires_grad=False), scale

    def forward(self, x: Any) -> Any:
        for one in self.branches:
            x = x + self.scale * one(x)
        return (x @ self.readout)[:, None]


def scaled(depth: int) -> Any:
    return Sums(depth, depth**-0.5)


def unscaled(depth: int) -> Any:
    return Sums(depth, 1.0)


def only(*arguments: Any, **options: Any) -> Statement:
    (said,) = vary(*arguments, **options).statements
    return said


def test_a_standard_net_moves_in_proportion_to_its_width() -> None:
    said = only(standard, X, "width", WIDTHS)
    assert said.verdict == "against"
    assert said.numbers["power"] == pytest.approx(1, abs=0.1)
    assert said.numbers["low"] < 1 < said.numbers["high"] + 0.05
    assert "grows with width: like width^" in said.words


def test_by_the_tangent_kernel_it_does_not() -> None:
    said = only(tangent, X, "width", WIDTHS, seeds=20)
    assert said.verdict == "sound", said
    assert said.numbers["power"] == pytest.approx(0, abs=0.1)


@pytest.mark.slow
def test_depth_with_and_without_a_scale() -> None:
    """At one input the change is the kernel's trace over the branches, in the direction of the sign."""
    depths = (4, 8, 16)
    power = math.log(kernel_trace(16, 16**-0.5) / kernel_trace(4, 4**-0.5)) / math.log(4)
    said = only(scaled, inputs(1, 24), "depth", depths, seeds=40)
    assert said.numbers["low"] < power < said.numbers["high"]
    said = only(unscaled, inputs(1, 24), "depth", depths)
    assert said.verdict == "against"
    assert said.numbers["power"] > 3


def test_a_loss_can_be_taken() -> None:
    said = only(standard, X, "width", WIDTHS, loss="cross_entropy", seeds=5)
    assert said.numbers["power"] == pytest.approx(1, abs=0.2)


def test_what_does_not_move_is_told() -> None:
    def still(width: int) -> Any:
        model = Hidden(width, 1.0)
        for one in model.parameters():
            nn.init.zeros_(one)
        return model

    said = only(still, X, "width", (4, 8), seeds=3)
    assert said.verdict == "unsure"
    assert said.words == "a step does not move the function at width [4, 8]"


@pytest.mark.parametrize(
    ("keyword", "sizes", "message"),
    [
        ("width", (8,), "at least two sizes that differ"),
        ("width", (8, 0), "positive whole numbers"),
        ("depth", (8, 16), "unexpected keyword argument 'depth'"),
    ],
)
def test_sizes_that_make_no_sense(keyword: str, sizes: Any, message: str) -> None:
    with pytest.raises(AuditError, match=message):
        vary(standard, X, keyword, sizes)


def test_the_command_gives_a_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "step.json"
    command = ("tests.audit.test_vary:standard", "--shape", "16x8", "--seeds", "20")
    assert main([*command, "--vary", "width=32,64,128", "--json", str(file)]) == 1
    assert "like width^" in " ".join(capsys.readouterr().out.split())
    assert [one["kind"] for one in json.loads(file.read_text())["statements"]] == ["step"]
    assert "expected a keyword and sizes, as width=64,128,256" in refused(main, capsys, *command, "--vary", "width=64")
    assert "give --vary alone" in refused(main, capsys, *command, "--vary", "width=64,128", "--claim", "lecun")
