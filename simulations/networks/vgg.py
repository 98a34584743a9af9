"""VGG-16, column D of table 1 of Simonyan & Zisserman 2015 (arXiv 1409.1556).

13 convolutions of 3 x 3 with ReLUs, five 2 x 2 max-pools, and a classifier of three dense layers that sees every pixel
that is left. Dropout between those is left out: a network at its start is looked at as it answers. Without arguments
the weights have the variances of torchvision's network: He's by fan-out and 0.01^2 in the classifier, biases 0.
"""

from __future__ import annotations

from simulations.layers.convolution import Flatten
from simulations.layers.dense import Dense, Layer
from simulations.layers.network import Network, Sequential
from simulations.layers.pooling import MaxPool
from simulations.networks.blocks import RELU, at_least, chain
from simulations.networks.convolutional import Convolutions
from simulations.weights.initialisers import Initialiser, he_fan_out

STAGES = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))
"""Channels of the convolutions before each pool, over those of the first, and how many there are."""
HALVED = 2 ** len(STAGES)


def _hundredth(fan_in: int, fan_out: int) -> float:
    return 1e-4


hundredth = Initialiser(_hundredth)
"""Deviation 0.01 at any fans, as torchvision starts the classifiers of VGG and MobileNetV2."""


def vgg16(
    *,
    classes: int = 1000,
    image: tuple[int, int, int] = (3, 224, 224),
    width: int = 64,
    hidden: int = 4096,
    batch_norm: float | None = None,
    init: Initialiser = he_fan_out,
    readout: Initialiser = hundredth,
) -> Network:
    """Build VGG-16; its blocks are the 13 convolutions, each with its ReLU and pool, and the three dense layers.

    Parameters
    ----------
    image : (channels, height, width)
        Shape of an input, which the classifier depends on; sides of at least 32.
    width, hidden : int
        Channels of the first convolution, and features inside the classifier.
    batch_norm : float, optional
        The eps of a batch norm behind every convolution; None for none.
    init, readout : Initialiser
        Weights of the convolutions, and of the three dense layers.

    Raises
    ------
    ValueError
        If a number is below 1, or nothing would be left of the image.
    """
    if len(image) != 3:
        raise ValueError(f"expected the shape of an image (channels, height, width), got {image}")
    at_least(1, classes=classes, channels=image[0], width=width, hidden=hidden)
    at_least(HALVED, **{"height": image[1], "width of the image": image[2]})
    convolutions = Convolutions(init, batch_norm, 0.0)
    blocks: list[Layer] = []
    before = image[0]
    for factor, count in STAGES:
        for last in [False] * (count - 1) + [True]:
            layers = convolutions.layers(f"layer{len(blocks)}", before, factor * width, 3, activation=RELU)
            blocks.append(Sequential((*layers, *([MaxPool(2)] if last else []))))
            before = factor * width
    features = before * (image[1] // HALVED) * (image[2] // HALVED)
    first, second = Dense("dense0", features, hidden, readout, 0.0), Dense("dense1", hidden, hidden, readout, 0.0)
    blocks += [Sequential((Flatten(), first, RELU)), Sequential((second, RELU))]
    return chain(blocks, readout=Dense("readout", hidden, classes, readout, 0.0))
