"""Residual networks for small images, as He et al. 2016 (section 4.2) cut them, under Fixup's rules or with batch norm.

Stages of blocks of 3 x 3 convolutions; each stage but the first starts with a stride of 2. An activation follows every
addition, and a global average and a dense classifier the last. ``stages=(16, 32, 64)`` and 3 blocks a stage are
ResNet-20.

Fixup's rules are those of ``fixup.py``, with a block as its authors released it: x + bias1a enters both the branch and
a shortcut that changes the image. Their code is this one's ``stem=torch_default``; it draws branches by
fan-out, as here, and the stem as PyTorch does, while the default here is He's fan-in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from simulations.layers.convolution import Convolution, Flatten
from simulations.layers.dense import Dense, Layer
from simulations.layers.network import Network, Residual, Sequential
from simulations.layers.normalisation import BatchNorm
from simulations.layers.pooling import AveragePool, MaxPool, PadChannels
from simulations.layers.scalars import ScalarBias, ScalarMultiplier
from simulations.networks.mlp import RELU
from simulations.weights.initialisers import Initialiser, he, he_fan_out, lecun, zero

Init = Literal["fixup", "batch_norm", "plain"]
Shortcut = Literal["pad", "convolution"]


def resnet(
    stages: Sequence[int] = (16, 32, 64),
    blocks_per_stage: int = 3,
    *,
    image: tuple[int, int, int] = (3, 32, 32),
    classes: int = 10,
    init: Init = "fixup",
    shortcut: Shortcut = "pad",
    layers_per_branch: int = 2,
    activation: Layer = RELU,
    stem: Initialiser = he,
    branch: Initialiser = he_fan_out,
    readout: Initialiser = lecun,
    bias_deviation: float | None = 0.0,
    max_pool: int | None = None,
    zero_readout: bool | None = None,
    zero_last: bool | None = None,
    scaled: bool | None = None,
    scalars: bool | None = None,
    eps: float = 1e-5,
    bias: Callable[[str], Layer] = ScalarBias,
    multiplier: Callable[[str], Layer] = ScalarMultiplier,
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
    init : "fixup", "batch_norm" or "plain"
        Fixup's three rules; a batch norm with gain and bias behind every convolution; or neither.
    shortcut : "pad" or "convolution"
        Where a block changes the image: subsampling and channels of zeros, as in Fixup's code (and He's option A), or a
        1 x 1 convolution of stride 2 (option B).
    stem, branch, readout : Initialiser
        Weights of the first convolution, of branches and convolutional shortcuts, and of a classifier not zeroed.
    bias_deviation : float, optional
        Standard deviation of the classifier's bias; None for no bias.
    max_pool : int, optional
        Side of a max-pooling window behind the stem.
    zero_readout, zero_last, scaled, scalars : bool, optional
        Rule 1 for the classifier and for the branches, rule 2, and rule 3, all of which "fixup" follows and the others
        do not, if not given. With batch norm `zero_last` sets the last gain of each branch to zero instead.
    eps : float
        Of the batch norms.
    bias, multiplier : functions from a name to a layer
        What rule 3 puts in.

    Raises
    ------
    ValueError
        If a number is below 1, `layers_per_branch` below 2 (see `fixup_mlp`), stages get narrower where shortcuts are
        padded, the max-pooling window does not fit, or a choice is unknown.
    """
    _check(stages, blocks_per_stage, image, classes, layers_per_branch, max_pool)
    if shortcut == "pad" and list(stages) != sorted(stages):
        raise ValueError(
            f"padded shortcuts can't drop channels, got stages {tuple(stages)}; take shortcut='convolution'"
        )
    for label, choice, known in (("init", init, Init), ("shortcut", shortcut, Shortcut)):
        if choice not in get_args(known):
            raise ValueError(f"unknown {label} {choice!r}; expected one of {', '.join(get_args(known))}")
    zero_readout, zero_last, scaled, scalars = (
        init == "fixup" if rule is None else rule for rule in (zero_readout, zero_last, scaled, scalars)
    )
    count = len(stages) * blocks_per_stage
    scale = count ** (-1 / (2 * layers_per_branch - 2)) if scaled else 1.0
    plan = _Plan(
        branch, scale, zero_last, eps if init == "batch_norm" else None, shortcut, layers_per_branch, activation,
        bias if scalars else None, multiplier if scalars else None,
    )  # fmt: skip
    first = Convolution("stem", image[0], stages[0], 3, padding=1, init=stem)
    pool = [] if max_pool is None else [MaxPool(max_pool)]
    chain: list[Layer] = [
        Sequential((first, *plan.norm("stem", stages[0]), *plan.bias("stem.after"), activation, *pool))
    ]
    widths = [width for width in stages for _ in range(blocks_per_stage)]
    for block, (before, width) in enumerate(zip((stages[0], *widths), widths, strict=False)):
        stride = 2 if block and block % blocks_per_stage == 0 else 1
        chain.append(plan.block(f"block{block}", before, width, stride))
    classifier = Dense("readout", stages[-1], classes, zero if zero_readout else readout, bias_deviation)
    chain.append(Sequential((AveragePool(), Flatten(), *plan.bias("readout.before"), classifier)))
    return Network(tuple(chain))


@dataclass(frozen=True)
class _Plan:
    """What all blocks of a network have in common."""

    init: Initialiser
    scale: float
    zero_last: bool
    eps: float | None
    kind: Shortcut
    layers: int
    activation: Layer
    make_bias: Callable[[str], Layer] | None
    make_multiplier: Callable[[str], Layer] | None

    def bias(self, name: str) -> tuple[Layer, ...]:
        """Return the scalar bias of this name, if there are any."""
        return () if self.make_bias is None else (self.make_bias(name),)

    def norm(self, name: str, channels: int, gain: float = 1.0) -> tuple[Layer, ...]:
        """Return the batch norm behind a convolution, if there are any."""
        return () if self.eps is None else (BatchNorm(f"{name}.norm", channels, self.eps, gain, 0.0),)

    def block(self, name: str, before: int, width: int, stride: int) -> Layer:
        """Build a residual block and the activation behind it."""
        parts: list[Layer] = []
        for position in range(self.layers):
            last, layer = position == self.layers - 1, f"{name}.layer{position}"
            zeroed = last and self.zero_last
            weights = zero if zeroed and self.eps is None else self.init.scaled(self.scale)
            channels, step = (before, stride) if position == 0 else (width, 1)
            parts += self.bias(f"{layer}.before") if position else ()
            parts.append(Convolution(layer, channels, width, 3, step, 1, weights))
            parts += self.norm(layer, width, 0.0 if zeroed else 1.0)
            parts += (self.make_multiplier(f"{name}.multiplier"),) if last and self.make_multiplier else ()
            parts += (*self.bias(f"{layer}.after"), *(() if last else (self.activation,)))
        first, branch = self.bias(f"{name}.layer0.before"), tuple(parts)
        if stride == 1 and before == width:
            return Sequential((Residual(Sequential((*first, *branch))), self.activation))
        changed = Residual(Sequential(branch), self.shortcut(f"{name}.shortcut", before, width, stride))
        return Sequential((*first, changed, self.activation))

    def shortcut(self, name: str, before: int, width: int, stride: int) -> Layer:
        """Build the shortcut of a block that changes the image; rule 2 does not scale it."""
        if self.kind == "pad":
            return Sequential((AveragePool(1, stride), PadChannels(width - before)))
        return Sequential((Convolution(name, before, width, 1, stride, init=self.init), *self.norm(name, width)))


def _check(
    stages: Sequence[int], blocks: int, image: Sequence[int], classes: int, layers: int, pool: int | None
) -> None:
    for label, number, least in (
        *((f"a width in stages {tuple(stages)}", width, 1) for width in stages),
        *((f"a number in image {tuple(image)}", number, 1) for number in image),
        ("blocks_per_stage", blocks, 1),
        ("classes", classes, 1),
        ("layers_per_branch", layers, 2),
    ):
        if number < least:
            reason = "; the exponent of L^(-1 / (2m - 2)) is singular at m = 1" if least == 2 else ""
            raise ValueError(f"{label} must be at least {least}, got {number}{reason}")
    if not stages or len(image) != 3:
        raise ValueError(
            f"expected at least one stage and an image (channels, height, width), got {stages} and {image}"
        )
    if pool is not None and pool > min(image[1:]):
        raise ValueError(f"max_pool must be at most the sides of the image {tuple(image)}, got {pool}")
