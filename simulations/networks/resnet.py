"""Residual networks for small images, as He et al. 2016 (section 4.2) cut them, under Fixup's rules or with batch norm.

Stages of blocks of 3 x 3 convolutions; each stage but the first starts with a stride of 2. An activation follows every
addition, and a global average and a dense classifier the last. ``stages=(16, 32, 64)`` and 3 blocks a stage are
ResNet-20.

Fixup's rules are those of ``fixup.py``, with a block as its authors released it: x + bias1a enters both the branch and
a shortcut that changes the image. Their code is this one's ``stem=torch_default``; it draws branches by
fan-out, as here, and the stem as PyTorch does, while the default here is He's fan-in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from simulations.layers.convolution import Convolution, Flatten
from simulations.layers.dense import Layer
from simulations.layers.network import Network, Residual, Sequential
from simulations.layers.normalisation import BatchNorm
from simulations.layers.pooling import AveragePool, MaxPool, PadChannels
from simulations.networks.blocks import RELU, at_least, chain
from simulations.networks.fixup import FIXUP, FixupRules
from simulations.weights.initialisers import Initialiser, he, he_fan_out, zero

Shortcut = Literal["pad", "convolution"]


def resnet(
    stages: Sequence[int] = (16, 32, 64),
    blocks_per_stage: int = 3,
    *,
    image: tuple[int, int, int] = (3, 32, 32),
    classes: int = 10,
    rules: FixupRules = FIXUP,
    batch_norm: float | None = None,
    shortcut: Shortcut = "pad",
    layers_per_branch: int = 2,
    activation: Layer = RELU,
    stem: Initialiser = he,
    branch: Initialiser = he_fan_out,
    bias_deviation: float | None = 0.0,
    max_pool: int | None = None,
) -> Network:
    """Build a residual network for images (draws, batch, channels, height, width).

    Its blocks are the stem, the residual blocks and the classifier; weights are named as in `fixup_mlp`, shortcuts
    ``block3.shortcut``.

    Parameters
    ----------
    stages : sequence of int
        Channels of each stage.
    image : (channels, height, width)
        Shape of an input.
    rules : FixupRules
        Those that are followed; `NO_RULES` for a plain network.
    batch_norm : float, optional
        The eps of a batch norm, with gain and bias, behind every convolution; None for no norms. With them, zero last
        layers are zero last gains.
    shortcut : "pad" or "convolution"
        Where a block changes the image: subsampling and channels of zeros, as in Fixup's code (and He's option A), or a
        1 x 1 convolution of stride 2 (option B).
    stem, branch : Initialiser
        Weights of the first convolution, and of branches and convolutional shortcuts.
    bias_deviation : float, optional
        Standard deviation of the classifier's bias; None for no bias.
    max_pool : int, optional
        Side of a max-pooling window behind the stem.

    Raises
    ------
    ValueError
        If a number is below 1, `layers_per_branch` below 2, stages get narrower where shortcuts are padded, the
        max-pooling window does not fit, or the shortcut is unknown.
    """
    _check(stages, image, shortcut, max_pool)
    at_least(1, blocks_per_stage=blocks_per_stage, classes=classes)
    widths = [width for width in stages for _ in range(blocks_per_stage)]
    scale = rules.scale(len(widths), layers_per_branch)
    plan = _Plan(rules, branch, scale, batch_norm, shortcut, layers_per_branch, activation)
    first = Convolution("stem", image[0], stages[0], 3, padding=1, init=stem)
    pool = [] if max_pool is None else [MaxPool(max_pool)]
    blocks = [
        plan.block(f"block{block}", before, width, 2 if block and block % blocks_per_stage == 0 else 1)
        for block, (before, width) in enumerate(zip((stages[0], *widths), widths, strict=False))
    ]
    return chain(
        blocks,
        stem=Sequential((first, *plan.norm("stem", stages[0]), *rules.biases("stem.after"), activation, *pool)),
        readout=Sequential((AveragePool(), Flatten(), *rules.classifier(stages[-1], classes, bias_deviation))),
    )


@dataclass(frozen=True)
class _Plan:
    """What all blocks of a network have in common."""

    rules: FixupRules
    init: Initialiser
    scale: float
    eps: float | None
    kind: Shortcut
    layers: int
    activation: Layer

    def norm(self, name: str, channels: int, gain: float = 1.0) -> tuple[Layer, ...]:
        """Return the batch norm behind a convolution, if there are any."""
        return () if self.eps is None else (BatchNorm(f"{name}.norm", channels, self.eps, gain, 0.0),)

    def block(self, name: str, before: int, width: int, stride: int) -> Layer:
        """Build a residual block and the activation behind it."""
        layers: list[tuple[Layer, ...]] = []
        for position in range(self.layers):
            layer, zeroed = f"{name}.layer{position}", self.rules.zero_last and position == self.layers - 1
            weights = zero if zeroed and self.eps is None else self.init.scaled(self.scale)
            channels, step = (before, stride) if position == 0 else (width, 1)
            convolution = Convolution(layer, channels, width, 3, step, 1, weights)
            layers.append((convolution, *self.norm(layer, width, 0.0 if zeroed else 1.0)))
        branch = self.rules.branch(name, layers, self.activation)
        if stride == 1 and before == width:
            return Sequential((Residual(Sequential(branch)), self.activation))
        shared = 1 if self.rules.bias else 0  # bias1a enters the shortcut too
        changed = Residual(Sequential(branch[shared:]), self.shortcut(f"{name}.shortcut", before, width, stride))
        return Sequential((*branch[:shared], changed, self.activation))

    def shortcut(self, name: str, before: int, width: int, stride: int) -> Layer:
        """Build the shortcut of a block that changes the image; rule 2 does not scale it."""
        if self.kind == "pad":
            return Sequential((AveragePool(1, stride), PadChannels(width - before)))
        return Sequential((Convolution(name, before, width, 1, stride, init=self.init), *self.norm(name, width)))


def _check(stages: Sequence[int], image: Sequence[int], shortcut: Shortcut, pool: int | None) -> None:
    if not stages or len(image) != 3:
        raise ValueError(
            f"expected at least one stage and an image (channels, height, width), got {stages} and {image}"
        )
    for label, numbers in (("width in stages", tuple(stages)), ("number in image", tuple(image))):
        if min(numbers) < 1:
            raise ValueError(f"a {label} {numbers} must be at least 1, got {min(numbers)}")
    if shortcut not in get_args(Shortcut):
        raise ValueError(f"unknown shortcut {shortcut!r}; expected one of {', '.join(get_args(Shortcut))}")
    if shortcut == "pad" and list(stages) != sorted(stages):
        raise ValueError(
            f"padded shortcuts can't drop channels, got stages {tuple(stages)}; take shortcut='convolution'"
        )
    if pool is not None and pool > min(image[1:]):
        raise ValueError(f"max_pool must be at most the sides of the image {tuple(image)}, got {pool}")
