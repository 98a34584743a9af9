"""Planted faults: each is found where it is, with its cause; and the same model without it is sound."""

from __future__ import annotations

import copy
import functools
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from audit import AuditError, Report, audit
from tests.audit import nets
from tests.audit.nets import chain, inputs, one, residual


def grouped(weight: Any) -> None:
    """He with the fan_in of all groups."""
    nn.init.normal_(weight, 0, (2 / (4 * weight[0].numel())) ** 0.5)


def bound_as_deviation(weight: Any) -> None:
    bound = (2 / weight.shape[1]) ** 0.5
    nn.init.uniform_(weight, -bound, bound)


def swapped(weight: Any) -> None:
    nn.init.normal_(weight, 0, (2 / weight.shape[0]) ** 0.5)


def shifted(weight: Any) -> None:
    nn.init.normal_(weight, 0.05, (2 / weight.shape[1]) ** 0.5)


def one_row(weight: Any) -> None:
    """Every row the same draw: the variance is right and independence is not."""
    with torch.no_grad():
        weight.copy_(torch.randn(1, weight.shape[1]).expand_as(weight) * (2 / weight.shape[1]) ** 0.5)


def copied() -> Any:
    block = nets.Block(32)
    return nn.Sequential(*(copy.deepcopy(block) for _ in range(3)))


def one_drawn_once() -> Any:
    model = chain(layers=3)
    nets.seeded(model[2].weight)
    return model


class Detached(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = chain(layers=2), nn.Linear(16, 4)

    def forward(self, x: Any) -> Any:
        return self.head(self.body(x).detach())


def layer(kind: Any, *arguments: Any, draw: Any = None, **options: Any) -> Any:
    return functools.partial(lambda: one(kind(*arguments, **options), draw))


WIDE = (16, 32)
IMAGES = (2, 32, 6, 6)
HE = {"claim": "he_fan_in"}
FAULTS: dict[str, tuple[Any, tuple[int, ...], dict[str, Any], str, str, str]] = {
    "LeCun for He, claimed": (
        *(lambda: chain(nets.lecun), WIDE, {"claim": {"*": "he_fan_in", "16.*": "lecun"}}),
        *("0.weight", "initialiser", "1 / fan_in (LeCun): 0.5"),
    ),
    "LeCun for He, not claimed": (
        *(lambda: chain(nets.lecun), WIDE, {}, "0 to 16", "depth"),
        "what stands between them 0.",
    ),
    "He for LeCun": (
        *(lambda: one(nn.Linear(32, 48), nets.he), WIDE, {"claim": "lecun"}, "0.weight", "initialiser"),
        "2 / fan_in (He): 2",
    ),
    "fans swapped": (
        *(lambda: one(nn.Linear(32, 48), swapped), WIDE, HE, "0.weight", "initialiser"),
        "fan_in and fan_out swapped",
    ),
    "PyTorch's default for He": (
        *(lambda: one(nn.Linear(32, 48)), WIDE, HE, "0.weight", "initialiser"),
        "kaiming_uniform_ with a = sqrt 5): 0.1667",
    ),
    "q, k and v in one": (nets.Attention, (4, 6, 32), {}, "attention.in_proj_weight[1 of 3]", "initialiser", "0.25 of"),
    "stacked orthogonal gates": (
        *(lambda: nets.Recurrent(nn.init.orthogonal_), (4, 5, 24), {}, "cell.weight_hh_l0[2 of 4]", "initialiser"),
        "LSTM's gates",
    ),
    "depthwise by fan_out": (
        *(layer(nn.Conv2d, 32, 32, 3, groups=32, padding=1, draw=nets.fan_out_normal), IMAGES, {}),
        *("0.weight", "initialiser", "channels of a depthwise convolution"),
    ),
    "groups left out of fan_in": (
        *(layer(nn.Conv2d, 32, 16, 3, groups=4, draw=grouped), IMAGES, {}, "0.weight", "initialiser"),
        "fan_in counted over all 4 groups",
    ),
    "transposed by fan_out": (
        *(layer(nn.ConvTranspose2d, 32, 8, 4, stride=2, padding=1, draw=nets.fan_out_normal), IMAGES, {}),
        *("0.weight", "initialiser", "the stride (4 places an input) left out of fan_in"),
    ),
    "truncated, not corrected": (
        *(lambda: chain(nets.truncated, layers=2), WIDE, {}, "0.weight", "initialiser"),
        "cut off at two deviations",
    ),
    "bound taken as deviation": (
        *(lambda: one(nn.Linear(32, 48), bound_as_deviation), WIDE, HE, "0.weight", "initialiser"),
        "the deviation taken as the bound of a uniform law",
    ),
    "weights off centre": (
        *(lambda: chain(shifted, layers=2), WIDE, {}, "0.weight", "initialiser", "not centred"),
    ),
    "rows that are copies": (
        *(lambda: one(nn.Linear(32, 48), one_row), (1, 32), HE, "0", "exact, given the input", "depend on each other"),
    ),
    "layers that are copies": (copied, WIDE, {}, "1.first.weight", "draws", "a layer was copied"),
    "a layer with a seed of its own": (one_drawn_once, WIDE, {}, "2.weight", "draws", "a seed of its own"),
    "norm missing": (lambda: residual(norm=False), WIDE, {}, "0 to 7", "depth", "a norm or a scale is missing"),
    "dead bias": (
        *(lambda: chain(bias=-3.0, layers=2), WIDE, {}, "1", "activation", "0.bias is -3 on average"),
    ),
    "zero head": (lambda: chain(head=nn.init.zeros_, layers=2), WIDE, {}, "0.weight", "gradient", "are 0 in 4.weight"),
    "detached": (Detached, WIDE, {}, "body.0.weight", "gradient", "detached"),
    "claimed, and zero": (
        *(lambda: one(nn.Linear(32, 48), nn.init.zeros_), WIDE, HE, "0.weight", "initialiser", "claimed to be drawn"),
    ),
}  # fmt: skip


def against(report: Report, where: str, kind: str) -> list[str]:
    return [one.cause for one in report.about(where, kind) if one.verdict == "against"]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_with_its_cause(name: str) -> None:
    factory, shape, options, where, kind, cause = FAULTS[name]
    report = audit(factory, inputs(*shape), **options)
    found = against(report, where, kind)
    assert found, report
    assert cause in found[0], report
    assert report.status == 1


def test_the_seed_that_all_share_is_refused() -> None:
    with pytest.raises(AuditError, match="returned the same weights under different seeds"):
        audit(lambda: chain(nets.seeded, head=nets.seeded), inputs(*WIDE), seeds=5)


def biased(layer: Any) -> Any:
    nets.he(layer.weight)
    nn.init.constant_(layer.bias, 3.0)
    return nn.Sequential(layer)


SOUND: dict[str, tuple[Any, tuple[int, ...], dict[str, Any]]] = {
    "He": (chain, WIDE, {"claim": {"*": "he_fan_in", "16.*": "lecun"}}),
    "He, not claimed": (chain, WIDE, {}),
    "projections apart": (lambda: nets.Attention(apart=True), (4, 6, 32), {}),
    "gates apart": (lambda: nets.Recurrent(nets.each_gate), (4, 5, 24), {}),
    "grouped by true fans": (layer(nn.Conv2d, 32, 16, 3, groups=4, draw=nets.he), IMAGES, HE),
    "strided": (layer(nn.Conv2d, 32, 16, 3, stride=2, padding=1, draw=nets.he), IMAGES, HE),
    "depthwise by fan_in": (layer(nn.Conv2d, 32, 32, 3, groups=32, padding=1, draw=nets.he), IMAGES, {}),
    "a bias is no weight": (lambda: biased(nn.Linear(32, 48)), WIDE, HE),
    "nor is a convolution's": (lambda: biased(nn.Conv2d(32, 16, 3)), IMAGES, HE),
    "with its norm": (residual, WIDE, {}),
    "branches that start at 0": (lambda: residual(norm=False, last=0.0), WIDE, {}),
    "orthogonal": (lambda: chain(nn.init.orthogonal_), WIDE, {}),
}


@pytest.mark.parametrize("name", SOUND)
def test_nothing_is_said_against_it_without_the_fault(name: str) -> None:
    factory, shape, options = SOUND[name]
    report = audit(factory, inputs(*shape), **options)
    if name == "orthogonal":  # its exact gain of 1 halves at every rectifier, which the depth must say
        assert [one.kind for one in report.statements if one.verdict == "against"] == ["depth", "depth"]
    else:
        assert report.sound, report
