"""Saturated and dead units, gradients that are not finite, and parameters that no gradient reaches, by name."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

pytest.importorskip("torch")

import torch
from torch import nn

from audit import audit
from tests.audit import nets
from tests.audit.nets import chain, inputs

X = inputs(32, 32)


def bounded(activation: Any, deviation: float) -> Any:
    layer = nn.Linear(32, 64, bias=False)
    nn.init.normal_(layer.weight, 0, deviation / 32**0.5)
    return nn.Sequential(layer, activation)


@pytest.mark.parametrize(("activation", "end"), [(nn.Tanh, np.arctanh(0.99)), (nn.Sigmoid, special.logit(0.995))])
def test_the_saturated_share_is_that_of_gaussian_inputs(activation: Any, end: float) -> None:
    signs = np.sign(X)
    for deviation, verdict in ((10 * end, "against"), (end, "sound")):
        report = audit(functools.partial(bounded, activation(), deviation), signs, seeds=30)
        share = report.measured.modules["1"].mean("saturated")
        assert share == pytest.approx(2 * stats.norm.sf(end / deviation), abs=0.03)
        said = [one for one in report.about("1", "activation") if "saturated" in one.words]
        assert [one.verdict for one in said] == ["against"] * (verdict == "against")


def test_units_that_are_0_for_all_inputs_are_counted() -> None:
    def half_dead() -> Any:
        model = chain(layers=1)
        with torch.no_grad():
            model[0].bias[:16] = -30.0
        return model

    report = audit(half_dead, X, seeds=5)
    assert report.measured.modules["1"].mean("dead units") == 0.5
    said = [one for one in report.about("1", "activation") if "units" in one.words]
    assert [one.verdict for one in said] == ["note"]
    assert said[0].words == "a share of 0.5 of its units is 0 for all 32 inputs"
    few = audit(half_dead, X[:4], seeds=5)
    assert not [one for one in few.about("1", "activation") if "units" in one.words]


def test_channels_of_images_are_units() -> None:
    def convolution() -> Any:
        layer = nn.Conv2d(3, 4, 3)
        with torch.no_grad():
            layer.bias.copy_(torch.tensor([-90.0, 0, 0, 0]))
        return nn.Sequential(layer, nn.ReLU(), nn.Flatten(), nn.Linear(4 * 16, 2))

    assert audit(convolution, inputs(4, 3, 6, 6), seeds=3).measured.modules["1"].mean("dead units") == 0.25


class Root(nn.Module):  # type: ignore[misc]
    """A square root of what can be 0: its gradient is infinite times 0."""

    def forward(self, x: Any) -> Any:
        return torch.sqrt(x * (x > 0))


def test_a_gradient_that_is_not_finite_is_not_called_none() -> None:
    def rooted() -> Any:
        model = chain(layers=1)
        return nn.Sequential(model[0], Root(), nn.Linear(32, 4))

    said = [one for one in audit(rooted, X, seeds=3).statements if one.kind == "gradient"]
    assert [(one.verdict, one.where) for one in said] == [("against", "0.weight"), ("against", "0.bias")]
    assert said[0].words == "NaN or infinite under 3 of 3 seeds"
    assert said[0].cause == "the gradient is not finite at the output of 0 (Linear)"


def test_a_head_of_zeros_is_named() -> None:
    """All but the head's two parameters have no gradient at the first step."""

    def headed() -> Any:
        model = nn.Sequential(nets.Block(32), nn.Linear(32, 4))
        nn.init.zeros_(model[1].weight)
        return model

    (said,) = [one for one in audit(headed, X, seeds=3).statements if one.kind == "gradient"]
    assert said.words.startswith("no gradient at the first step, as 4 of 6 parameters; 2 have one")
    assert said.cause == "all entries are 0 in 1.weight"
    assert said.where == "0.norm.weight"
