"""One layer among many, drawn by another rule: told without a claim, and against the model if its fans are swapped."""

from __future__ import annotations

from typing import Any

import pytest
from scipy import stats

pytest.importorskip("torch")

from torch import nn

from audit import Statement, audit
from audit.fans import parts
from audit.measured import Measured
from audit.odd import odd_ones
from audit.recognise import recognise
from audit.rules import Depth
from simulations import stream
from tests.audit import nets
from tests.audit.nets import inputs


def swapped(weight: Any) -> None:
    nn.init.normal_(weight, 0, (2 / weight.shape[0]) ** 0.5)


def narrowing(*draws: Any) -> Any:
    """Return layers whose widths all differ, so that fan_in and fan_out tell rules apart."""
    sides = (32, 48, 64, 40, 24, 16)[: len(draws) + 1]
    made: list[Any] = []
    for fan_in, fan_out, draw in zip(sides, sides[1:], draws, strict=False):
        made += [nn.Linear(fan_in, fan_out, bias=False), nn.ReLU()]
        draw(made[-2].weight)
    return nn.Sequential(*made[:-1])


def about(where: str, *draws: Any) -> Statement:
    (said,) = audit(lambda: narrowing(*draws), inputs(8, 32), seeds=16).about(where, "initialiser")
    return said


def test_swapped_fans_are_against_the_model() -> None:
    said = about("4.weight", nets.he, nets.he, swapped, nets.he, nets.he)
    assert (said.verdict, said.cause) == ("against", "fan_in and fan_out swapped")
    assert "4 of 5 weights allow He, 2 / fan_in" in said.words
    assert said.numbers["times the others' rule"] == pytest.approx(64 / 40, rel=0.1)


def test_the_rule_of_another_layer_is_noted() -> None:
    said = about("6.weight", nets.he, nets.he, nets.he, nets.lecun, nets.he)
    assert (said.verdict, said.cause) == ("note", "drawn by the rule of another layer, or meant so")
    assert said.numbers["times the others' rule"] == pytest.approx(0.5, rel=0.1)
    assert about("8.weight", nets.he, nets.he, nets.he, nets.he, nets.lecun).verdict == "sound", "a head"


def test_a_rule_that_happens_to_be_another_with_its_fans_swapped_is_no_fault() -> None:
    """LeCun's 1 / 24 is 2 / 48, He's of 24 to 48."""

    def model() -> Any:
        layers = [nn.Linear(24, 24, bias=False) for _ in range(6)]
        layers[2], layers[3] = nn.Linear(24, 48, bias=False), nn.Linear(48, 24, bias=False)
        for number, layer in enumerate(layers):
            (nets.lecun if number == 2 else nets.he)(layer.weight)
        return nn.Sequential(*layers)

    (said,) = audit(model, inputs(8, 24), seeds=16).about("2.weight", "initialiser")
    assert said.verdict == "note"


@pytest.mark.parametrize("draws", [(nets.he,) * 5, (nets.he, swapped, nets.he), (nets.he, nets.he, swapped, swapped)])
def test_without_a_common_rule_nothing_is_told(draws: Any) -> None:
    report = audit(lambda: narrowing(*draws), inputs(8, 32), seeds=16)
    assert not [one for one in report.statements if "weights allow" in one.words]


def test_of_weights_of_one_rule_one_stands_out_as_seldom_as_stated() -> None:
    """At a chance of a twentieth a weight; the audit's is far smaller."""
    models, share, told = 60, 0.05, 0
    shapes = [(24, 16), (32, 24), (16, 32), (40, 16), (12, 40)]
    for number in range(models):
        rng, found = stream(number, "one rule"), Measured(2)
        known = {}
        for layer, shape in enumerate(shapes):
            key = f"{layer}.weight"
            for _ in range(2):
                found.keep(key, rng.standard_normal(shape) * (2 / shape[1]) ** 0.5)
            (part,) = parts(str(layer), "Linear", None, "weight", shape)
            known[key] = [recognise(part, found, None, share, Depth())]
        told += any(one[0].statement.verdict == "note" for one in odd_ones(known, share).values())
    assert stats.binom.sf(told - 1, models, share * len(shapes)) > 1e-6, told
