"""torchvision's networks as an oracle: the same weights give the same logits and gradients, in float64, to 1e-10.

One draw of our weights (biases and gains moved from where they start) is copied into torchvision's network, in the
order of its parameters. Batch norm is in training mode in both, and dropout off. Skipped without torchvision.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simulations import Network, stream
from simulations.layers.dense import Parameters
from simulations.networks.imagenet_resnet import resnet18, resnet50
from simulations.networks.mobilenet import mobilenet_v2
from simulations.networks.vgg import vgg16
from simulations.numbers.arrays import Array
from tests.oracles.test_torch import TOLERANCE, agree, leaf
from tests.torchvision_without_operators import torchvision_models

torch = pytest.importorskip("torch")
models = torchvision_models()
pytestmark = pytest.mark.slow

CLASSES, WIDTH, HIDDEN, HEIGHT, BREADTH = 7, 8, 20, 33, 64
IDENTITY = torch.nn.Identity


def vgg(batch_norm: bool) -> Any:
    """Return torchvision's VGG-16 with an eighth of its channels, whose classifier sees the pixels that are left."""
    layers = [width if width == "M" else width // 8 for width in models.vgg.cfgs["D"]]
    model = models.VGG(models.vgg.make_layers(layers, batch_norm), CLASSES, init_weights=False, dropout=0)
    model.avgpool = IDENTITY()
    features = 8 * WIDTH * (HEIGHT // 32) * (BREADTH // 32)
    for number, fans in ((0, (features, HIDDEN)), (3, (HIDDEN, HIDDEN)), (6, (HIDDEN, CLASSES))):
        model.classifier[number] = torch.nn.Linear(*fans)
    return model


def our_vgg(batch_norm: float | None) -> Network:
    image = (3, HEIGHT, BREADTH)
    return vgg16(classes=CLASSES, image=image, width=WIDTH, hidden=HIDDEN, batch_norm=batch_norm)


NETWORKS: dict[str, tuple[Callable[[], Network], Callable[[], Any]]] = {
    "resnet18": (lambda: resnet18(classes=CLASSES), lambda: models.resnet18(num_classes=CLASSES)),
    "resnet18, no norm": (
        lambda: resnet18(classes=CLASSES, batch_norm=None),
        lambda: models.resnet18(num_classes=CLASSES, norm_layer=IDENTITY),
    ),
    "resnet50": (lambda: resnet50(classes=CLASSES), lambda: models.resnet50(num_classes=CLASSES)),
    "vgg16": (lambda: our_vgg(None), lambda: vgg(False)),
    "vgg16, norm": (lambda: our_vgg(1e-5), lambda: vgg(True)),
    "mobilenet_v2": (
        lambda: mobilenet_v2(classes=CLASSES),
        lambda: models.mobilenet_v2(num_classes=CLASSES, dropout=0),
    ),
    "mobilenet_v2, no norm, 1.4": (
        lambda: mobilenet_v2(classes=CLASSES, multiplier=1.4, batch_norm=None),
        lambda: models.mobilenet_v2(num_classes=CLASSES, dropout=0, width_mult=1.4, norm_layer=IDENTITY),
    ),
}
VANISHING = {
    "vgg16, norm": [f"layer{number}.bias" for number in range(13)],
    "mobilenet_v2": [f"block{number}.project.norm.bias" for number in range(17)],
}
"""Biases that a later batch norm subtracts again: their gradients are zero but for rounding, in both."""


def moved(network: Network) -> Parameters:
    """Draw one network, with biases and gains moved from where they start."""
    rng = stream(0, "torchvision")
    drawn = network.draw(rng, 1)
    return {
        name: value if name.endswith("weight") else value + rng.normal(0, 0.3, value.shape)
        for name, value in drawn.items()
    }


def as_stored(value: Array, shape: tuple[int, ...]) -> Array:
    """Lay out a parameter of one draw, or its gradient, as PyTorch does."""
    if len(shape) != 4:
        return value.reshape(shape[::-1]).T
    out, channels, size, _ = shape
    groups = len(value) if value.ndim == 3 else 1
    kernel = value.reshape(groups, size, size, channels, out // groups)
    return kernel.transpose(0, 4, 3, 1, 2).reshape(shape)


@pytest.mark.parametrize("name", NETWORKS)
def test_same_weights(name: str) -> None:
    make, build = NETWORKS[name]
    ours, theirs = make(), build().double().train()
    parameters, shapes = moved(ours), [tuple(one.shape) for one in theirs.parameters()]
    names = ours.parameter_names()
    assert len(names) == len(shapes)
    with torch.no_grad():
        for mine, stored in zip(names, theirs.parameters(), strict=True):
            stored.copy_(torch.tensor(as_stored(parameters[mine][0], tuple(stored.shape))))
    x = stream(0, "torchvision images").normal(size=(1, 2, 3, HEIGHT, BREADTH))
    run, start = ours.run(parameters, x), leaf(x[0])
    logits = theirs(start)
    agree(run.output[0], logits)
    cotangent = stream(0, "torchvision cotangent").normal(size=run.output.shape)
    (logits * torch.tensor(cotangent[0])).sum().backward()
    gradients: Any = {}
    cotangents = run.backward(cotangent, gradients)
    agree(cotangents[0][0], start.grad)
    for mine, stored in zip(names, theirs.parameters(), strict=True):
        gradient = as_stored(gradients[mine].array[0], tuple(stored.shape))
        if mine in VANISHING.get(name, ()):
            assert max(abs(gradient).max(), abs(stored.grad).max()) < TOLERANCE
        else:
            agree(gradient, stored.grad)
