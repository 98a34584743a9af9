"""Fixup and its rivals by name: residual classifiers that differ in how they start, or in what replaces a good start.

All have a first linear layer (LeCun, but Fixup's own), `blocks` residual blocks and a linear classifier. Unless said
otherwise a branch is linear layers with ReLUs between them, "He then LeCun", and nothing follows the addition.
"""

from __future__ import annotations

import difflib
import math

from simulations.layers.dense import Layer
from simulations.layers.network import Network, Residual, Sequential
from simulations.layers.scalars import ScalarMultiplier
from simulations.layers.scaling import Scale
from simulations.networks.blocks import RELU, at_least
from simulations.networks.fixup import FixupRules, fixup_mlp
from simulations.networks.rival_norms import batch_norm, batch_norm_pre, group_norm, layer_norm, nf, weight_standardised
from simulations.networks.rival_sizes import Builder, Sizes, layers, network
from simulations.weights.initialisers import Initialiser, glorot, he, lecun, zero


def _standard(sizes: Sizes, init: Initialiser, last: Initialiser) -> Network:
    return network(sizes, lambda block: Residual(Sequential(layers(sizes, block, init, last))))


def he_everywhere(sizes: Sizes) -> Network:
    """He et al. 2015 on every layer of a branch, also on the last, which no ReLU follows."""
    return _standard(sizes, he, he)


def he_then_lecun(sizes: Sizes) -> Network:
    """He et al. 2015 on the layers before a ReLU, LeCun et al. 1998 on the last: branches keep the mean square."""
    return _standard(sizes, he, lecun)


def lecun_everywhere(sizes: Sizes) -> Network:
    """LeCun et al. 1998, variance 1 / fan_in, on every layer of a branch."""
    return _standard(sizes, lecun, lecun)


def glorot_everywhere(sizes: Sizes) -> Network:
    """Glorot & Bengio 2010, variance 2 / (fan_in + fan_out), on every layer of a branch."""
    return _standard(sizes, glorot, glorot)


def fixup(sizes: Sizes) -> Network:
    """Fixup (Zhang, Dauphin & Ma 2019): zero last layers, L^(-1/(2m-2)), scalars; a ReLU follows each addition."""
    return fixup_mlp(
        sizes.width,
        sizes.blocks,
        layers_per_branch=sizes.layers_per_branch,
        stem=sizes.features,
        classes=sizes.classes,
        rules=FixupRules(zero_readout=sizes.zero_readout),
    )


def post_addition(sizes: Sizes) -> Network:
    """He et al. 2016 (ResNet) without normalisation: He on every layer of a branch, a ReLU after each addition."""
    return network(sizes, lambda block: Sequential((Residual(Sequential(layers(sizes, block, he, he))), RELU)))


def sqrt_half(sizes: Sizes) -> Network:
    """Root-half scaling (Gehring et al. 2017, a baseline of Fixup): (x + F) / sqrt 2, divided after each addition."""
    half = Scale(math.sqrt(0.5))
    return network(sizes, lambda block: Sequential((Residual(Sequential(layers(sizes, block))), half)))


def inverse_sqrt_l(sizes: Sizes) -> Network:
    """Branches times 1 / sqrt L (Hanin & Rolnick 2018, De & Smith 2020): the scale is in each branch's last layer."""
    return _standard(sizes, he, lecun.scaled(sizes.blocks**-0.5))


def zero_last(sizes: Sizes) -> Network:
    """Zero last layers alone (Goyal et al. 2017 zero the last gain): Fixup's first rule in the branches, no scale."""
    return _standard(sizes, he, zero)


def skipinit(sizes: Sizes) -> Network:
    """SkipInit (De & Smith 2020): a multiplier that starts at 0 ends each branch, ReLUs stand before its layers."""

    def block(position: int) -> Layer:
        branch = layers(sizes, position, he, he, first=True)
        return Residual(Sequential((*branch, ScalarMultiplier(f"block{position}.multiplier", 0.0))))

    return network(sizes, block)


def rezero(sizes: Sizes) -> Network:
    """ReZero (Bachlechner et al. 2020): x + alpha F(x); alpha starts at 0 and ends a branch without a first ReLU."""

    def block(position: int) -> Layer:
        branch = layers(sizes, position)
        return Residual(Sequential((*branch, ScalarMultiplier(f"block{position}.multiplier", 0.0))))

    return network(sizes, block)


def shao_block(branch: tuple[Layer, ...], position: int, c: float) -> Residual:
    """Build the block sqrt(1 - b^2) x + b f(x), b^2 = 1 / (l + c), l counted from 1 (`position` from 0)."""
    square = 1 / (position + 1 + c)
    return Residual(Sequential((*branch, Scale(math.sqrt(square)))), Scale(math.sqrt(1 - square)))


def shao(sizes: Sizes) -> Network:
    """Depth-dependent scaling (Shao et al. 2020), c = 1: shortcut and branch are both scaled before the addition."""
    return network(sizes, lambda block: shao_block(layers(sizes, block), block, 1.0))


def lsuv_start(sizes: Sizes) -> Network:
    """LSUV (Mishkin & Matas 2016): the networks to draw and hand to `lsuv`, which rescales every linear layer."""
    return _standard(sizes, he, lecun)


INITS: dict[str, Builder] = {
    "fixup": fixup,
    "he": he_everywhere,
    "he_lecun": he_then_lecun,
    "lecun": lecun_everywhere,
    "glorot": glorot_everywhere,
    "post_addition": post_addition,
    "sqrt_half": sqrt_half,
    "inverse_sqrt_l": inverse_sqrt_l,
    "zero_last": zero_last,
    "skipinit": skipinit,
    "rezero": rezero,
    "batch_norm": batch_norm,
    "batch_norm_pre": batch_norm_pre,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "weight_standardised": weight_standardised,
    "nf": nf,
    "shao": shao,
    "lsuv": lsuv_start,
}
"""Builders by name."""


def build(
    name: str,
    *,
    width: int,
    blocks: int,
    layers_per_branch: int = 2,
    features: int,
    classes: int,
    zero_readout: bool = True,
) -> Network:
    """Build the residual classifier of that name.

    Parameters
    ----------
    features : int
        Number of input features of the first layer.
    zero_readout : bool
        False gives Fixup a random classifier too, for which the first step is not degenerate.

    Raises
    ------
    ValueError
        If the name is unknown (the message has the nearest one) or a size is below 1.
    """
    if name not in INITS:
        near = difflib.get_close_matches(name, INITS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"unknown scheme {name!r}; {hint}expected one of {', '.join(INITS)}")
    at_least(1, width=width, blocks=blocks, layers_per_branch=layers_per_branch, features=features, classes=classes)
    return INITS[name](Sizes(width, blocks, layers_per_branch, features, classes, zero_readout))
