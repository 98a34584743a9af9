"""Layers side by side are no chain: depth is counted along what reads what another puts out."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch")

from torch import nn

from audit import audit
from tests.audit import nets

WIDTH, SIDES = 16, 5


class Side(nn.Module):  # type: ignore[misc]
    """Projections of one input, each twice as large as the one before, and a layer behind their sum."""

    def __init__(self) -> None:
        super().__init__()
        self.sides = nn.ModuleList(nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(SIDES))
        self.last = nn.Linear(WIDTH, WIDTH, bias=False)
        for power, one in enumerate(self.sides):
            nn.init.normal_(one.weight, 0, 2**power * WIDTH**-0.5)

    def forward(self, x: Any) -> Any:
        return self.last(sum(one(x) for one in self.sides))


def test_projections_of_one_input_do_not_grow_with_depth() -> None:
    """Taken as a chain they would grow fourfold from one to the next."""
    assert not [one for one in audit(Side, nets.inputs(8, WIDTH)).statements if one.kind == "depth"]


def test_a_chain_of_the_same_layers_does() -> None:
    def chain() -> Any:
        layers = [nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(SIDES)]
        for one in layers:
            nn.init.normal_(one.weight, 0, 2 * WIDTH**-0.5)
        return nn.Sequential(*layers)

    found = [one for one in audit(chain, nets.inputs(8, WIDTH)).statements if one.kind == "depth"]
    assert {one.verdict for one in found} == {"against"}
