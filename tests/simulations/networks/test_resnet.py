"""Residual networks for images: the layout of Fixup's code, its rules, ResNet-20's size, and the paper's three sets."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulations import (
    Dense,
    LeakyReLU,
    Network,
    Residual,
    Sequential,
    Tanh,
    he,
    he_fan_out,
    stream,
    torch_default,
    zero,
)
from simulations.layers.convolution import Convolution, Flatten
from simulations.layers.pooling import AveragePool, MaxPool, PadChannels
from simulations.layers.scalars import ScalarBias, ScalarMultiplier
from simulations.networks.fixup import FIXUP, NO_RULES, FixupRules
from simulations.networks.resnet import resnet
from simulations.weights.kinds import drawn
from tests.simulations.layers.layer_cases import check_gradients

RELU = LeakyReLU()
SMALL: dict[str, Any] = {"stages": (2, 3), "blocks_per_stage": 1, "image": (2, 5, 4), "classes": 3}
STARTS: dict[str, Any] = {
    "fixup": {},
    "batch_norm": {"rules": NO_RULES, "batch_norm": 1e-5},
    "plain": {"rules": NO_RULES},
}
X = stream(0, "images").normal(size=(2, 3, 2, 5, 4))


def test_layout() -> None:
    """In a block that keeps the image bias1a stands in the branch; where it changes, before branch and shortcut."""
    scaled = he_fan_out.scaled(2**-0.5)

    def rest(block: int, channels: int, width: int, stride: int) -> tuple[Any, ...]:
        return (
            Convolution(f"block{block}.layer0", channels, width, 3, stride, 1, scaled),
            ScalarBias(f"block{block}.layer0.after"),
            RELU,
            ScalarBias(f"block{block}.layer1.before"),
            Convolution(f"block{block}.layer1", width, width, 3, 1, 1, zero),
            ScalarMultiplier(f"block{block}.multiplier"),
            ScalarBias(f"block{block}.layer1.after"),
        )

    bias = [ScalarBias(f"block{block}.layer0.before") for block in range(2)]
    subsampled = Sequential((AveragePool(1, 2), PadChannels(1)))
    assert resnet(**SMALL) == Network(
        (
            Sequential((Convolution("stem", 2, 2, 3, 1, 1, he), ScalarBias("stem.after"), RELU)),
            Sequential((Residual(Sequential((bias[0], *rest(0, 2, 2, 1)))), RELU)),
            Sequential((bias[1], Residual(Sequential(rest(1, 2, 3, 2)), subsampled), RELU)),
            Sequential((AveragePool(), Flatten(), ScalarBias("readout.before"), Dense("readout", 3, 3, zero, 0.0))),
        )
    )


@pytest.mark.parametrize(("init", "expected"), [("batch_norm", 269_722), ("plain", 268_346), ("fixup", 268_393)])
def test_size_of_resnet_20(init: Any, expected: int) -> None:
    """By hand: 267,696 weights of convolutions, 650 of the classifier; 2 a channel for 688 normalised; 5 L + 2."""
    network = resnet(**STARTS[init])
    parameters = network.draw(stream(0), 1)
    assert tuple(parameters) == network.parameter_names()
    assert sum(value.size for value in parameters.values()) == expected
    states = network.run(parameters, stream(0).normal(size=(1, 2, 3, 32, 32))).states
    widths = [(3, 32, 32), *[(16, 32, 32)] * 4, *[(32, 16, 16)] * 3, *[(64, 8, 8)] * 3, (10,)]
    assert [state.shape[2:] for state in states] == widths


@pytest.mark.parametrize("m", [2, 3])
def test_deviations_of_the_released_code(m: int) -> None:
    """Std sqrt(2 / (k^2 C_out)) L^(-1/(2m-2)) in branches, PyTorch's 1 / sqrt(3 fan_in) in the stem, else zero."""
    network = resnet(layers_per_branch=m, stem=torch_default)
    found = {dense.name: dense.init.deviation(dense.fan_in, dense.fan_out) for dense in network.weights()}
    assert len(found) == 2 + 9 * m
    for name, deviation in found.items():
        if name == "stem":
            expected = 1 / math.sqrt(3 * 27)
        elif name.endswith(f"layer{m - 1}") or name == "readout":
            expected = 0.0
        else:
            width = (16, 32, 64)[int(name[5]) // 3]
            expected = math.sqrt(2 / (9 * width)) * 9 ** (-1 / (2 * m - 2))
        assert math.isclose(deviation, expected, rel_tol=1e-14), name


def test_rules_can_be_left_out() -> None:
    plain = resnet(**SMALL, shortcut="convolution", rules=NO_RULES)
    names = plain.parameter_names()
    layers = "stem block0.layer0 block0.layer1 block1.layer0 block1.layer1 block1.shortcut readout"
    assert names == (*(f"{name}.weight" for name in layers.split()), "readout.bias")
    assert all(value.any() for name, value in plain.draw(stream(0), 1).items() if name.endswith("weight"))
    for rule in ("zero_last", "zero_readout", "scaled", "bias", "multiplier"):
        some = replace(NO_RULES, **{rule: getattr(FIXUP, rule)})
        assert resnet(**SMALL, rules=some) != resnet(**SMALL, rules=NO_RULES)
        assert resnet(**SMALL, rules=replace(some, **{rule: getattr(NO_RULES, rule)})) == resnet(
            **SMALL, rules=NO_RULES
        )
    assert [name for name in names if "shortcut" in name] == ["block1.shortcut.weight"]
    gains = resnet(**SMALL, rules=replace(NO_RULES, zero_last=True), batch_norm=1e-5).draw(stream(0), 1)
    assert {name for name, value in gains.items() if not name.endswith("bias") and not value.any()} == {
        "block0.layer1.norm.gain",
        "block1.layer1.norm.gain",
    }


def test_a_zeroed_network_is_its_shortcuts() -> None:
    network = resnet(**SMALL)
    _, stem, first, second, logits = network.run(network.draw(stream(0), 2), X).states
    np.testing.assert_array_equal(first, stem)
    np.testing.assert_array_equal(second[:, :, :2], stem[..., ::2, ::2])
    assert not second[:, :, 2].any()
    assert not logits.any()


@pytest.mark.parametrize("init", ["fixup", "batch_norm", "plain"])
@pytest.mark.parametrize("shortcut", ["pad", "convolution"])
def test_gradients_equal_central_differences(init: Any, shortcut: Any) -> None:
    """With tanh, which has no kinks for a step to cross; PyTorch is the oracle of the others."""
    check_gradients(resnet(**SMALL, **STARTS[init], shortcut=shortcut, activation=Tanh()), X[:1])


@pytest.mark.parametrize("init", ["fixup", "batch_norm"])
def test_single_precision(init: Any) -> None:
    random = FixupRules(zero_last=False, zero_readout=False) if init == "fixup" else NO_RULES
    network = resnet(**(SMALL | STARTS[init] | {"max_pool": 2, "rules": random}))
    single: Any = X.astype(np.float32)
    run = network.run(network.draw(stream(0), 2, drawn(np.float32)), single)
    arrays = [*run.states, *run.backward(np.ones_like(run.output)), *run.gradients(np.ones_like(run.output)).values()]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


FREE: dict[str, Any] = SMALL | {"stages": (4, 5), "rules": NO_RULES, "shortcut": "convolution", "bias_deviation": None}
BRANCH = {f"block1.layer{i}.weight" for i in range(2)}


@pytest.mark.parametrize(("changes", "names", "degree"), [
    # the three sets of figure 2
    ({"max_pool": 2}, {"stem.weight"}, 1),
    ({}, {"readout.weight"}, 1),
    ({"bias_deviation": 1.0}, {"readout.weight", "readout.bias"}, 1),
    ({}, {"block1.shortcut.weight", "block1.layer0.weight"}, 1),
    ({}, {"block1.shortcut.weight", "block1.layer1.weight"}, 1),
    # and what they are mistaken for
    ({}, {"block0.layer0.weight"}, None),
    ({}, {"block1.layer0.weight"}, None),
    ({}, {"block1.shortcut.weight"}, None),
    ({}, {"block1.shortcut.weight"} | BRANCH, None),
    ({"bias_deviation": 1.0}, {"readout.weight"}, None),
    ({"bias_deviation": 1.0}, {"stem.weight"}, None),
    ({"rules": replace(NO_RULES, bias=ScalarBias, multiplier=ScalarMultiplier)}, {"stem.weight"}, None),
    # degree 0 before a batch norm, degree 2 in two layers on every path
    ({"batch_norm": 0.0}, {"stem.weight"}, 0),
    ({"batch_norm": 0.1}, {"stem.weight"}, None),
    ({"batch_norm": 0.0}, {"readout.weight"}, 1),
    ({}, {"stem.weight", "readout.weight"}, 2),
])  # fmt: skip
def test_sets_of_figure_2(changes: dict[str, Any], names: set[str], degree: int | None) -> None:
    """The stated degree is the measured one, at factor 2 to the bit; scalars are moved from their start."""
    network = resnet(**(FREE | changes))
    assert names <= set(network.parameter_names())
    rng = stream(0, "sets")
    parameters = network.draw(rng, 2)
    parameters |= {name: value + rng.normal(0, 0.3, value.shape) for name, value in parameters.items() if "." in name}
    before = network.run(parameters, X).output
    after = network.run({name: 2 * value if name in names else value for name, value in parameters.items()}, X).output
    assert before.any(axis=(1, 2)).all()
    measured = [power for power in range(5) if np.array_equal(after, 2.0**power * before)]
    assert measured == ([] if degree is None else [degree])
    assert network.degree(0, frozenset(names)) == degree
    assert (frozenset(names) in network.homogeneous_sets()) == (degree == 1)


def test_max_pooling_stands_behind_the_stem() -> None:
    stem = resnet(**SMALL, max_pool=2).layers[0]
    assert isinstance(stem, Sequential)
    assert stem.layers[-2:] == (RELU, MaxPool(2))


@pytest.mark.parametrize(("arguments", "message"), [
    ({"layers_per_branch": 1}, r"layers_per_branch must be at least 2, got 1; the exponent .* is singular at m = 1"),
    ({"blocks_per_stage": 0}, "blocks_per_stage must be at least 1, got 0"),
    ({"classes": 0}, "classes must be at least 1, got 0"),
    ({"stages": ()}, "at least one stage"),
    ({"stages": (4, 0)}, r"a width in stages \(4, 0\) must be at least 1, got 0"),
    ({"stages": (4, 2)}, r"padded shortcuts can't drop channels, got stages \(4, 2\)"),
    ({"image": (2, 0, 4)}, r"a number in image \(2, 0, 4\) must be at least 1, got 0"),
    ({"image": (2, 4)}, r"an image \(channels, height, width\), got .* \(2, 4\)"),
    ({"shortcut": "none"}, "unknown shortcut 'none'; expected one of pad, convolution"),
    ({"max_pool": 5}, r"max_pool must be at most the sides of the image \(2, 5, 4\), got 5"),
    ({"max_pool": 0}, "size of MaxPool must be at least 1, got 0"),
])  # fmt: skip
def test_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resnet(**(SMALL | arguments))
