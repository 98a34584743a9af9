"""Fixup's bound on gradients: sets are found by scaling, gradients keep it, and one that is cut off does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from audit import Statement, audit
from tests.audit import nets
from tests.audit.nets import chain, inputs
from theory.homogeneity.bounds import theorem_2

X = inputs(8, 32)


def about(factory: Any, x: Any = X, **options: Any) -> tuple[Statement, Any]:
    report = audit(factory, x, seeds=3, loss="cross_entropy", **options)
    (said,) = [one for one in report.statements if one.kind == "bound"]
    return said, report.measured


def test_sets_and_degrees_are_found_by_scaling() -> None:
    """A plain net is homogeneous of degree 1 in the input and every weight, and of its depth in all of them."""
    said, found = about(lambda: chain(layers=2))
    degrees = {name: degree for name, (_, degree) in found.sets.items()}
    assert degrees == {
        "the input": 1, "0.weight": 1, "0": 1, "2.weight": 1, "2": 1, "4.weight": 1, "all parameters": 3
    }  # fmt: skip
    assert said.verdict == "note"
    assert said.numbers["times the bound"] >= 1


def test_norms_and_biases_end_it_where_they_stand() -> None:
    """Behind a norm nothing is homogeneous but the last weights, in a residual net the head."""

    def model() -> Any:
        return nn.Sequential(nets.Block(32), nn.LayerNorm(32), nn.Linear(32, 8))

    said, found = about(model)
    assert set(found.sets) == {"2"}  # weight and bias together
    assert said.where == "2"


def test_the_bound_is_that_of_the_theorem() -> None:
    said, found = about(lambda: chain(layers=1))
    seed = 0
    ratio = float(
        theorem_2([found.losses["loss"][seed]], [found.losses["entropy"][seed]], found.norms["2.weight"][seed] ** 0.5)
    )
    gradient = (found.gradients["2.weight"][seed] * found.sizes["2.weight"]) ** 0.5
    assert gradient >= ratio
    assert said.numbers["l - H"] == pytest.approx(float((found.losses["loss"] - found.losses["entropy"]).mean()))


def test_with_one_input_and_two_classes_the_bound_is_nearly_reached() -> None:
    """The gradient of a head at one input is (p - y) x^T; with large logits it points along the weights' rows."""

    def large() -> Any:
        layer = nn.Linear(1, 2, bias=False)
        nn.init.normal_(layer.weight, 0, 30.0)
        return layer

    said, _ = about(large, np.ones((64, 1)))
    assert 1 <= said.numbers["times the bound"] < 1.5


class Half(torch.autograd.Function):  # type: ignore[misc]
    """The identity, whose gradient is a hundredth of what it should be."""

    @staticmethod
    def forward(context: Any, x: Any) -> Any:
        return x.clone()

    @staticmethod
    def backward(context: Any, gradient: Any) -> Any:
        return gradient / 100


class Wrong(nn.Module):  # type: ignore[misc]
    def forward(self, x: Any) -> Any:
        return Half.apply(x)


def test_a_wrong_way_back_is_against_the_model() -> None:
    model = lambda: nn.Sequential(*chain(layers=1)[:2], Wrong(), nn.Linear(32, 8, bias=False))  # noqa: E731
    said, _ = about(model)
    assert (said.verdict, said.where) == ("against", "the input")
    assert "the way back is not that of the forward pass" in said.cause


def test_small_logits_make_it_vacuous() -> None:
    """With labels that are the most likely classes l is below H."""

    def likely() -> Any:
        layer = nn.Linear(32, 2, bias=False)
        with torch.no_grad():
            layer.weight.copy_(torch.rand(2, 32) * torch.tensor([[1.0], [0.01]]))
        return layer

    said, _ = about(likely, np.ones((4, 32)), targets=[0, 0, 0, 0])
    assert "vacuous (l <= H) under 3 of 3 seeds" in said.words
