"""ResNet-18 and ResNet-50 for photographs, from table 1 of He et al. 2016 (Deep residual learning, arXiv 1512.03385).

A 7 x 7 convolution of stride 2 and a 3 x 3 max-pool of stride 2, four stages of residual blocks that double the
channels and (but the first) halve the image, a global average and a dense classifier. A shortcut that changes the
image is a 1 x 1 convolution with a norm (option B), and a ReLU follows every addition.

Without arguments the weights have the variances of torchvision's networks: He's by fan-out, PyTorch's default for the
classifier (whose bias is Gaussian here and uniform there). As there, the 3 x 3 convolution of a bottleneck has the
stride, which in the paper the first 1 x 1 has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from simulations.layers.dense import Layer
from simulations.layers.network import Network, Residual, Sequential
from simulations.layers.pooling import MaxPool
from simulations.networks.blocks import RELU, at_least, chain
from simulations.networks.convolutional import Convolutions, classifier
from simulations.weights.initialisers import Initialiser, he_fan_out, torch_default

Branch = Callable[[Convolutions, str, int, int, int], tuple[Layer, ...]]
"""The layers of a branch, from how convolutions start, the block's name, its channels before, its width, its stride."""


def resnet18(
    *,
    classes: int = 1000,
    channels: int = 3,
    width: int = 64,
    batch_norm: float | None = 1e-5,
    init: Initialiser = he_fan_out,
    readout: Initialiser = torch_default,
) -> Network:
    """Build ResNet-18: two blocks a stage, of two 3 x 3 convolutions each.

    Its blocks are the stem, the 8 residual blocks and the classifier; weights are named as in `resnet`.

    Parameters
    ----------
    channels : int
        Of the images.
    width : int
        Channels of the first stage.
    batch_norm : float or None
        The eps of the batch norms; None for none.
    init, readout : Initialiser
        Weights of the convolutions, and of the classifier.

    Raises
    ------
    ValueError
        If a number is below 1.
    """
    at_least(1, classes=classes, channels=channels, width=width)
    return _resnet((2, 2, 2, 2), _two_layers, 1, classes, channels, width, Convolutions(init, batch_norm), readout)


def resnet50(
    *,
    classes: int = 1000,
    channels: int = 3,
    width: int = 64,
    batch_norm: float | None = 1e-5,
    init: Initialiser = he_fan_out,
    readout: Initialiser = torch_default,
) -> Network:
    """Build ResNet-50: 3, 4, 6 and 3 bottlenecks, 1 x 1 to the width, 3 x 3, and 1 x 1 to four times the width.

    Parameters and errors are those of `resnet18`; there are 16 residual blocks.
    """
    at_least(1, classes=classes, channels=channels, width=width)
    return _resnet((3, 4, 6, 3), _bottleneck, 4, classes, channels, width, Convolutions(init, batch_norm), readout)


def _resnet(
    stages: Sequence[int],
    branch: Branch,
    expansion: int,
    classes: int,
    channels: int,
    width: int,
    convolutions: Convolutions,
    readout: Initialiser,
) -> Network:
    stem = convolutions.layers("stem", channels, width, 7, 2, activation=RELU)
    blocks: list[Layer] = []
    before = width
    for stage, count in enumerate(stages):
        for first in [True] + [False] * (count - 1):
            name, stride, wide = f"block{len(blocks)}", 2 if first and stage else 1, width * 2**stage
            changes = stride > 1 or before != expansion * wide
            shortcut = convolutions.layers(f"{name}.shortcut", before, expansion * wide, 1, stride) if changes else ()
            own = branch(convolutions, name, before, wide, stride)
            blocks.append(Sequential((Residual(Sequential(own), Sequential(shortcut)), RELU)))
            before = expansion * wide
    last = classifier(before, classes, readout, 1 / math.sqrt(3 * before))
    return chain(blocks, stem=Sequential((*stem, MaxPool(3, 2, 1))), readout=last)


def _two_layers(convolutions: Convolutions, name: str, before: int, width: int, stride: int) -> tuple[Layer, ...]:
    first = convolutions.layers(f"{name}.layer0", before, width, 3, stride, activation=RELU)
    return *first, *convolutions.layers(f"{name}.layer1", width, width, 3)


def _bottleneck(convolutions: Convolutions, name: str, before: int, width: int, stride: int) -> tuple[Layer, ...]:
    return (
        *convolutions.layers(f"{name}.layer0", before, width, 1, activation=RELU),
        *convolutions.layers(f"{name}.layer1", width, width, 3, stride, activation=RELU),
        *convolutions.layers(f"{name}.layer2", width, 4 * width, 1),
    )
