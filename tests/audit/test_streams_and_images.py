"""Three more questions from public threads: why 1/sqrt N, why LSUV loops, and ResNet-18 without its norms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from torch import nn

from audit import Report, audit
from simulations import Sequential, mlp, stream
from simulations.networks.lsuv import lsuv
from tests.audit import nets
from tests.torchvision_without_operators import torchvision_models
from theory.transformer.streams import square_norm

BLOCKS, WIDTH, ADDED = 8, 32, 2
"""Blocks of one branch, which adds He's 2 to the mean square, as its norm makes its input's 1."""


@pytest.mark.parametrize(("last", "gain"), [(1.0, ADDED), (BLOCKS**-0.5, ADDED / BLOCKS)])
def test_7_a_norm_on_the_branch_leaves_the_stream_to_add_up(last: float, gain: float) -> None:
    """The stream goes from 1 to 1 + N v without the scaling, and to 1 + v with it: openai/gpt-2 333."""
    report = audit(lambda: nets.residual(last=last, blocks=BLOCKS), nets.inputs(16, WIDTH))
    seen, start = (
        report.measured.modules[name].mean(f"{what} mean square") for name, what in (("7", "output"), ("0", "input"))
    )
    # He's second layer behind a rectifier adds 2 mean_j relu(z_j)^2, of mean 1/2 of that of z, which is 2
    expected = start + float(square_norm(0, WIDTH, BLOCKS, gain)) / WIDTH
    assert expected - start == pytest.approx(ADDED if last < 1 else ADDED * BLOCKS)
    assert seen == pytest.approx(expected, rel=0.04)
    growth = next(one for one in report.statements if one.kind == "depth" and one.where == "0 to 7")
    assert (growth.verdict, growth.words.partition(":")[0]) == ("sound", "linear")


@pytest.mark.parametrize(("bias", "once"), [(0.0, True), (0.5, False)])
def test_11_without_biases_one_division_suffices(bias: float, once: bool) -> None:
    """LSUVinit 6: biases do not scale with the weights, so a division misses, and the loop is for that."""
    network = mlp([12] * 5, bias_deviation=bias)
    x = stream(0, "lsuv").standard_normal((3, 40, 12))
    parameters = lsuv(network, network.draw(stream(1, "lsuv"), 3), x, iterations=1)
    put_out = []
    for layer in network.layers:
        assert isinstance(layer, Sequential)
        dense, rectifier = layer.layers
        x, _ = dense.forward(parameters, x)
        put_out.append(x.var(axis=(1, 2)))
        x, _ = rectifier.forward(parameters, x)
    assert bool(np.abs(np.array(put_out) - 1).max() < 1e-12) is once


def by_fan_in() -> Any:
    model = torchvision_models().resnet18(num_classes=10)
    for one in model.modules():
        if isinstance(one, nn.Conv2d):
            nets.he(one.weight)
    return model


def moments(report: Report, name: str, what: str) -> Any:
    return report.measured.modules[name].moments[f"{what} mean square"]


@pytest.mark.slow
def test_14_a_resnet_without_its_norms() -> None:
    """ONI 1: what a block makes of its stream, where it is the identity beside the branch, by fan_in.

    The stream x is not negative and the branch b symmetric given x, so E relu(x + b)^2 is between half of
    E x^2 + E b^2 and all of it. He makes E b^2 = 2 E x^2 but at the edges: of a kernel's 3 places a side of s pixels
    sees 1 - 2 / (3 s), for either axis and either layer. (That takes all places of x for alike.)
    """
    torchvision_models()
    side = 64
    report = audit(by_fan_in, nets.inputs(2, 3, side, side), seeds=8)
    squares = {name: one.mean("output mean square") for name, one in report.measured.modules.items()}
    for stage in (1, 2, 3, 4):
        added = 2 * (1 - 2 / (3 * side / 2 ** (stage + 1))) ** 4
        factor = squares[f"layer{stage}.1"] / squares[f"layer{stage}.0"]
        assert (1 + added) / 2 < factor < 1 + added, stage
        ratios = moments(report, f"layer{stage}.1.bn2", "output") / moments(report, f"layer{stage}.1", "input")
        assert ratios.mean() == pytest.approx(added, rel=0.2), stage  # of which LeCun's would be a quarter
