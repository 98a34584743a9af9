"""ResNet-18 and 50, VGG-16 and MobileNetV2: as many parameters as published, their variances, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from simulations import Network, gaussian, he, measure, stream
from simulations.layers.grouped_convolution import GroupedConvolution
from simulations.networks.imagenet_resnet import resnet18, resnet50
from simulations.networks.mobilenet import mobilenet_v2
from simulations.networks.vgg import vgg16
from simulations.weights.initialisers import Initialiser
from simulations.weights.undrawn import undrawn

HALF: Any = 1.5
FLAT: Any = (64, 64)
"""Arguments that no type checker would let pass."""


def shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """Return the shape of every parameter of a draw; Gaussian matrices stay undrawn."""
    return {name: value.shape[1:] for name, value in network.draw(stream(0), 1, undrawn()).items()}


@pytest.mark.parametrize(
    ("network", "blocks", "parameters"),
    [
        (resnet18(readout=he), 10, 11_689_512),
        (resnet50(readout=he), 18, 25_557_032),
        (vgg16(), 16, 138_357_544),
        (mobilenet_v2(), 20, 3_504_872),
        (mobilenet_v2(multiplier=0.5), 20, 1_968_680),
        (mobilenet_v2(multiplier=1.4), 20, 6_108_776),
    ],
)
def test_as_many_parameters_as_published(network: Network, blocks: int, parameters: int) -> None:
    """torchvision's networks have these numbers, the last two at its other multipliers."""
    assert len(network.layers) == blocks
    assert sum(math.prod(shape) for shape in shapes(network).values()) == parameters


def test_the_width_scales_all_channels() -> None:
    assert shapes(resnet18(width=8, readout=he))["block7.layer1.weight"] == (9 * 64, 64)
    assert shapes(resnet50(width=8, readout=he))["block15.layer2.weight"] == (64, 256)
    sizes = shapes(vgg16(image=(1, 70, 96), width=8, hidden=5, classes=2))
    assert sizes["layer12.weight"] == (9 * 64, 64)
    assert [sizes[f"{name}.weight"] for name in ("dense0", "dense1", "readout")] == [(64 * 2 * 3, 5), (5, 5), (5, 2)]


@pytest.mark.parametrize("as_stored", [True, False])
def test_the_fans_that_depthwise_windows_are_told(as_stored: bool) -> None:
    """He's fan-out: 9 as is true, 9 channels as PyTorch counts it. Squares of N entries: within 6 sqrt(2/N) of 1."""
    network = mobilenet_v2(fans_as_stored=as_stored)
    drawn = network.draw(stream(0, "depthwise"), 4, undrawn())
    window = np.asarray(drawn["block16.window.weight"])
    assert window.shape == (4, 960, 9, 1)
    ratio = np.square(window).mean() * 9 / 2 * (960 if as_stored else 1)
    assert abs(ratio - 1) < 6 * (2 / window.size) ** 0.5


@pytest.mark.slow
def test_mobilenet_without_norm_starts_with_next_to_nothing() -> None:
    """The mean square of its logits is 3e-19 with PyTorch's count of fans, and of order 1 with the true ones.

    A draw's logarithm has a standard deviation of at most 1, and the typical draw is half the mean or more: within a
    factor of 6 even so, by more than four standard errors of 16 draws.
    """
    x = stream(0, "mobilenet").normal(size=(1, 64, 64, 3))
    for as_stored, expected in ((True, 3e-19), (False, 0.3)):
        network = mobilenet_v2(batch_norm=None, fans_as_stored=as_stored)
        record = measure(network, x, draws=16, rng=stream(1, "mobilenet"), extras=())
        found = np.exp(np.log(record.square_norms[:, -1]).mean()) / 1000
        assert expected / 6 < found < expected * 6


def test_any_initialiser_is_taken_everywhere() -> None:
    ones = Initialiser(lambda fan_in, fan_out: 1.0, law=lambda rng, shape: np.ones(shape))
    for network in (resnet18(width=2, init=ones, batch_norm=None), mobilenet_v2(multiplier=0.1, init=ones)):
        drawn = network.draw(stream(0), 1)
        weights = {name for name in drawn if name.endswith("weight") and not name.startswith("readout")}
        assert all((drawn[name] == 1).all() for name in weights)
    assert any(isinstance(part, GroupedConvolution) for part in _parts(mobilenet_v2()))
    assert resnet18(readout=he.with_law(gaussian)) != resnet18()


def _parts(layer: Any) -> list[Any]:
    inner = [*getattr(layer, "layers", ()), *([layer.branch, layer.shortcut] if hasattr(layer, "branch") else [])]
    return [layer, *(part for one in inner for part in _parts(one))]


@pytest.mark.parametrize(("make", "message"), [
    (lambda: resnet18(classes=0), "classes must be at least 1, got 0"),
    (lambda: resnet18(width=0), "width must be at least 1, got 0"),
    (lambda: resnet50(channels=0), "channels must be at least 1, got 0"),
    (lambda: resnet50(width=HALF), "width must be a whole number, got 1.5"),
    (lambda: resnet18(batch_norm=-1.0), "eps of norm 'stem.norm' must be a finite number of at least 0, got -1.0"),
    (lambda: vgg16(image=(3, 31, 64)), "height must be at least 32, got 31"),
    (lambda: vgg16(image=(3, 64, 31)), "width of the image must be at least 32, got 31"),
    (lambda: vgg16(image=FLAT), r"an image \(channels, height, width\), got \(64, 64\)"),
    (lambda: vgg16(hidden=0), "hidden must be at least 1, got 0"),
    (lambda: mobilenet_v2(multiplier=0), "multiplier must be a positive number, got 0"),
    (lambda: mobilenet_v2(multiplier=math.nan), "multiplier must be a positive number, got nan"),
    (lambda: mobilenet_v2(classes=0), "classes must be at least 1, got 0"),
])  # fmt: skip
def test_refused(make: Callable[[], Network], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
