"""PyTorch's autograd as an oracle of the networks for photographs, restated from the papers' tables with its functions.

Small widths, images of unequal sides, float64, agreement to 1e-10, as in ``test_torch_convolution.py``; torchvision's
own networks are the oracle in ``test_torchvision.py``, where they are installed.
"""

from __future__ import annotations

from typing import Any

import pytest

from simulations.networks.imagenet_resnet import resnet18, resnet50
from simulations.networks.mobilenet import mobilenet_v2
from simulations.networks.vgg import vgg16
from tests.oracles.test_torch_convolution import Weights, compare, images
from tests.oracles.test_torch_resnet import conv, norm

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.slow

CLASSES, IMAGES = 3, images(1, 2, 2, 41, 34)
MOVED = 0.05
"""How far parameters are moved from their start: large states would let rounding grow from layer to layer."""
BASIC, BOTTLENECK = ((3, 3), (2, 2, 2, 2)), ((1, 3, 1), (3, 4, 6, 3))
"""Windows of a branch, and blocks a stage."""


def unit(w: Weights, name: str, x: Any, stride: int = 1, size: int = 3) -> Any:
    y = conv(w, name, x, stride, size)
    y = y + w[f"{name}.bias"].reshape(1, -1, 1, 1) if f"{name}.bias" in w else y
    return norm(w, name, y) if f"{name}.norm.gain" in w else y


def resnet(w: Weights, x: Any, sizes: tuple[int, ...], counts: tuple[int, ...]) -> Any:
    x = torch.nn.functional.max_pool2d(torch.relu(unit(w, "stem", x, 2, 7)), 3, 2, 1)
    firsts = [sum(counts[:stage]) for stage in range(1, 4)]
    for block in range(sum(counts)):
        stride, out = 2 if block in firsts else 1, x
        for position, size in enumerate(sizes):
            out = torch.relu(out) if position else out
            out = unit(w, f"block{block}.layer{position}", out, stride if position == sizes.index(3) else 1, size)
        shortcut = f"block{block}.shortcut"
        assert (f"{shortcut}.weight" in w) == (block in firsts or (block == 0 and sizes == BOTTLENECK[0]))
        x = torch.relu(out + (unit(w, shortcut, x, stride, 1) if f"{shortcut}.weight" in w else x))
    return x.mean(dim=(2, 3)) @ w["readout.weight"] + w["readout.bias"]


def vgg(w: Weights, x: Any) -> Any:
    for layer in range(13):
        x = torch.relu(unit(w, f"layer{layer}", x))
        x = torch.nn.functional.max_pool2d(x, 2) if layer in (1, 3, 6, 9, 12) else x
    x = x.flatten(1)
    for name in ("dense0", "dense1", "readout"):
        x = (x if name == "dense0" else torch.relu(x)) @ w[f"{name}.weight"] + w[f"{name}.bias"]
    return x


def mobilenet(w: Weights, x: Any) -> Any:
    functional = torch.nn.functional
    x = functional.relu6(unit(w, "stem", x, 2))
    for block in range(17):
        name, y = f"block{block}", x
        y = functional.relu6(unit(w, f"{name}.expand", y, size=1)) if block else y
        window = w[f"{name}.window.weight"].reshape(-1, 1, 3, 3)
        stride = 2 if block in (1, 3, 6, 13) else 1
        y = functional.conv2d(y, window, None, stride, 1, groups=y.shape[1])
        y = functional.relu6(norm(w, f"{name}.window", y) if f"{name}.window.norm.gain" in w else y)
        y = unit(w, f"{name}.project", y, size=1)
        x = x + y if block in (2, 4, 5, 7, 8, 9, 11, 12, 14, 15) else y
    x = functional.relu6(unit(w, "last", x, size=1)).mean(dim=(2, 3))
    return x @ w["readout.weight"] + w["readout.bias"]


every_norm = pytest.mark.parametrize("eps", [None, 1e-5], ids=["no norm", "batch norm"])


@every_norm
def test_resnets(eps: float | None) -> None:
    settings: Any = {"classes": CLASSES, "channels": 2, "width": 4, "batch_norm": eps}
    compare(resnet18(**settings), lambda w, x: resnet(w, x, *BASIC), IMAGES, deviation=MOVED)
    compare(resnet50(**settings), lambda w, x: resnet(w, x, *BOTTLENECK), IMAGES, deviation=MOVED)


@every_norm
def test_vgg(eps: float | None) -> None:
    network = vgg16(classes=CLASSES, image=IMAGES.shape[2:], width=4, hidden=5, batch_norm=eps)
    subtracted = () if eps is None else tuple(f"layer{layer}.bias" for layer in range(13))
    compare(network, vgg, IMAGES, vanishing=subtracted, deviation=MOVED)


@every_norm
def test_mobilenet(eps: float | None) -> None:
    network = mobilenet_v2(classes=CLASSES, channels=2, multiplier=0.3, batch_norm=eps)
    subtracted = () if eps is None else tuple(f"block{block}.project.norm.bias" for block in range(17))
    compare(network, mobilenet, IMAGES, vanishing=subtracted, deviation=MOVED)
