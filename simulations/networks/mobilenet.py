"""MobileNetV2, table 2 of Sandler et al. 2018 (arXiv 1801.04381).

A 3 x 3 convolution of stride 2, 17 inverted residual blocks (1 x 1 to more channels, a 3 x 3 window for each channel, a
linear 1 x 1 to few channels, added to the input where shapes allow), a 1 x 1 convolution, a global average and a dense
classifier; activations are ReLU6. Dropout is left out.

Without arguments the weights have the variances of torchvision's network: He's by fan-out and 0.01^2 in the classifier.
PyTorch counts the fan-out of a depthwise window over all channels, from the shape in which it is stored, and gives it
1/channels of the variance that He's rule asks for; batch norm hides it.
"""

from __future__ import annotations

from simulations.layers.activations import ReLU6
from simulations.layers.dense import Layer
from simulations.layers.network import Network, Residual, Sequential
from simulations.networks.blocks import at_least, chain
from simulations.networks.convolutional import Convolutions, classifier
from simulations.networks.vgg import hundredth
from simulations.weights.initialisers import Initialiser, he_fan_out

TABLE = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion t, channels c, blocks n and the first one's stride s."""
FIRST, LAST, MULTIPLE = 32, 1280, 8
RELU6 = ReLU6()


def mobilenet_v2(
    *,
    classes: int = 1000,
    channels: int = 3,
    multiplier: float = 1.0,
    batch_norm: float | None = 1e-5,
    init: Initialiser = he_fan_out,
    fans_as_stored: bool = True,
    readout: Initialiser = hundredth,
) -> Network:
    """Build MobileNetV2; its blocks are the stem, 17 inverted residual blocks, the last convolution and the classifier.

    Parameters
    ----------
    channels : int
        Of the images.
    multiplier : float
        Of all widths, which are then rounded to multiples of 8, never by more than a tenth downwards; the last
        convolution does not get narrower.
    batch_norm : float or None
        The eps of the batch norms; None for none.
    init, readout : Initialiser
        Weights of the convolutions, and of the classifier.
    fans_as_stored : bool
        Count the fan-out of depthwise windows as PyTorch does, 9 channels; with False it is theirs, 9.

    Raises
    ------
    ValueError
        If a number is below 1 or the multiplier not positive.
    """
    at_least(1, classes=classes, channels=channels)
    if not 0 < multiplier < float("inf"):
        raise ValueError(f"multiplier must be a positive number, got {multiplier!r}")
    convolutions, before = Convolutions(init, batch_norm), _rounded(FIRST, multiplier)
    stem = Sequential(convolutions.layers("stem", channels, before, 3, 2, activation=RELU6))
    blocks: list[Layer] = []
    for expansion, wide, count, step in TABLE:
        width = _rounded(wide, multiplier)
        for stride in [step] + [1] * (count - 1):
            name, inner = f"block{len(blocks)}", expansion * before
            expand = convolutions.layers(f"{name}.expand", before, inner, 1, activation=RELU6) if expansion > 1 else ()
            window = convolutions.depthwise(
                f"{name}.window", inner, 3, stride, activation=RELU6, as_stored=fans_as_stored
            )
            branch = Sequential((*expand, *window, *convolutions.layers(f"{name}.project", inner, width, 1)))
            blocks.append(Residual(branch) if stride == 1 and before == width else branch)
            before = width
    last = _rounded(LAST, max(1.0, multiplier))
    blocks.append(Sequential(convolutions.layers("last", before, last, 1, activation=RELU6)))
    return chain(blocks, stem=stem, readout=classifier(last, classes, readout, 0.0))


def _rounded(width: int, multiplier: float) -> int:
    """Return the nearest multiple of 8, at least 8, and the next one if that takes more than a tenth away."""
    exact = width * multiplier
    near = max(MULTIPLE, int(exact + MULTIPLE / 2) // MULTIPLE * MULTIPLE)
    return near + MULTIPLE if near < 0.9 * exact else near
