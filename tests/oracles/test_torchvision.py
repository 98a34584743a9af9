"""torchvision's networks as an oracle: the same weights give the same logits and gradients, in float64, to 1e-10.

One draw of our weights (biases and gains moved from where they start) is copied into torchvision's network, in the
order of its parameters. Batch norm is in training mode in both, and dropout off. Networks that torchvision draws
itself have the norms of ours, depth by depth, within sampling error. Skipped without torchvision.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from simulations import Network, he, measure, stream
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


def blocks(model: Any) -> list[Any]:
    """List the modules whose outputs are the states that we record, in order."""
    return [model.maxpool, *model.layer1, *model.layer2, *model.layer3, *model.layer4, model.fc]


def fan_in(model: Any) -> Any:
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
    return model


@pytest.mark.parametrize("build", [resnet18, resnet50, mobilenet_v2])
def test_same_variances(build: Callable[[], Network]) -> None:
    """Every parameter starts with torchvision's mean square, which N entries each tell to 7 sqrt(4 / N).

    Of 100 to 200 parameters; where N = 9000 that is 15 %. False alarm below 1e-9, and gains and zeros are exact.
    """
    ours = build()
    torch.manual_seed(0)
    stored, drawn = list(getattr(models, build.__name__)().parameters()), ours.draw(stream(3, "torchvision"), 1)
    for mine, other in zip(ours.parameter_names(), stored, strict=True):
        squares = np.square(drawn[mine]).mean(), float(other.detach().double().square().mean())
        exact = squares[1] in (0, 1)
        assert squares[0] == pytest.approx(squares[1], rel=0 if exact else 7 * (4 / other.numel()) ** 0.5), mine


def test_same_norms() -> None:
    """ResNet-18 without norms, fan-in: growths of log norms agree within 5.5 standard errors, block by block.

    Nearly normal: false alarm below 1e-6 over 10 blocks. With 20 draws on each side the standard error is at most 0.08
    but at the output, so a factor of 2 in one block would be seen.
    """
    draws, image = 20, stream(0, "torchvision image").normal(size=(64, 64, 3))
    network = resnet18(classes=CLASSES, batch_norm=None, init=he)
    record = measure(network, image[None], draws=2 * draws, rng=stream(1, "torchvision"), extras=())
    ours = np.log(record.square_norms[::2])
    torch.manual_seed(0)
    rows, x = [], torch.tensor(image.transpose(2, 0, 1)[None], dtype=torch.float32)
    for _ in range(draws):
        model, seen = fan_in(models.resnet18(num_classes=CLASSES, norm_layer=IDENTITY)), [x]
        for block in blocks(model):
            block.register_forward_hook(lambda module, inputs, output, seen=seen: seen.append(output))
        with torch.no_grad():
            model(x)
        rows.append([float(state.double().square().sum().log()) for state in seen])
    theirs = np.array(rows)
    mine, other = np.diff(ours, axis=1), np.diff(theirs, axis=1)
    error = np.sqrt((mine.var(axis=0, ddof=1) + other.var(axis=0, ddof=1)) / draws)
    assert error[:-1].max() < 0.08
    assert (abs(mine.mean(axis=0) - other.mean(axis=0)) < 5.5 * error).all()
