"""Dense layers that keep their matrix as (inputs, outputs), as GPT-2's in transformers do under the name Conv1D."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from audit import audit
from tests.audit import nets

INPUTS, OUTPUTS = 24, 40


class Conv1D(nn.Module):  # type: ignore[misc]
    """A dense layer."""

    def __init__(self, outputs: int, inputs: int, deviation: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs) * deviation)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Any) -> Any:
        return torch.addmm(self.bias, x.view(-1, x.size(-1)), self.weight).view(*x.shape[:-1], -1)


@pytest.mark.parametrize(("deviation", "verdict"), [(INPUTS**-0.5, "sound"), (OUTPUTS**-0.5, "against")])
def test_inputs_are_counted_and_not_outputs(deviation: float, verdict: str) -> None:
    """The second is LeCun's rule with the fans swapped, as one who reads (outputs, inputs) would have them."""
    report = audit(lambda: nn.Sequential(Conv1D(OUTPUTS, INPUTS, deviation)), nets.inputs(16, INPUTS), claim="lecun")
    for kind in ("initialiser", "exact, given the input"):
        (found,) = (one for one in report.statements if one.kind == kind and "bias" not in one.where)
        assert found.verdict == verdict


def test_queries_keys_and_values_are_cut_along_the_outputs() -> None:
    class Block(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.c_attn = Conv1D(3 * INPUTS, INPUTS, INPUTS**-0.5)
            with torch.no_grad():
                self.c_attn.weight[:, :INPUTS] *= 3

        def forward(self, x: Any) -> Any:
            return self.c_attn(x)

    report = audit(Block, nets.inputs(16, INPUTS), claim="lecun")
    found = {one.where: one.verdict for one in report.statements if one.kind == "initialiser"}
    assert found["c_attn.weight[1 of 3]"] == "against"
