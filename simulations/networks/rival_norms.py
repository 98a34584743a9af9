"""Rivals of Fixup that normalise activations or weights, and NF-ResNets, which keep a book of variances instead."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from simulations.layers.dense import Dense, Layer
from simulations.layers.network import Network, Residual, Sequential
from simulations.layers.normalisation import BatchNorm, GroupNorm, LayerNorm, WeightStandardised
from simulations.layers.scaling import Scale
from simulations.networks.blocks import RELU
from simulations.networks.rival_sizes import Sizes, layers, network
from simulations.weights.initialisers import he


def batch_norm(sizes: Sizes) -> Network:
    """Batch norm (Ioffe & Szegedy 2015) as in ResNet v1, behind each linear layer: linear-BN-ReLU-linear-BN."""
    return _normalised(sizes, lambda name: BatchNorm(name, sizes.width, gain_start=1.0, bias_start=0.0), before=False)


def batch_norm_pre(sizes: Sizes) -> Network:
    """Batch norm as in ResNet v2 (He et al. 2016b), before each ReLU and none last: BN-ReLU-linear-BN-ReLU-linear."""
    return _normalised(sizes, lambda name: BatchNorm(name, sizes.width, gain_start=1.0, bias_start=0.0), before=True)


def group_norm(sizes: Sizes) -> Network:
    """Group norm (Wu & He 2018) behind each linear layer; as many groups, up to 32, as divide the width."""
    groups = math.gcd(32, sizes.width)
    groups = groups if groups < sizes.width else sizes.width // 2  # a group of one feature has no variance
    norm = partial(GroupNorm, features=sizes.width, gain_start=1.0, bias_start=0.0, groups=groups)
    return _normalised(sizes, norm, before=False)


def layer_norm(sizes: Sizes) -> Network:
    """Layer norm (Ba, Kiros & Hinton 2016) first in each branch, as in pre-LN transformers (Xiong et al. 2020)."""

    def block(position: int) -> Layer:
        norm = LayerNorm(f"block{position}.norm", sizes.width, gain_start=1.0, bias_start=0.0)
        return Residual(Sequential((norm, *layers(sizes, position))))

    return network(sizes, block)


def _normalised(sizes: Sizes, norm: Callable[[str], Layer], *, before: bool) -> Network:
    """Put a norm before the ReLU before each linear layer, or behind each linear layer."""

    def block(position: int) -> Layer:
        parts: list[Layer] = []
        for layer in layers(sizes, position, he, he, first=before):
            name = f"block{position}.norm{sum(isinstance(part, Dense) for part in parts)}"
            parts += [norm(name), layer] if before and layer is RELU else [layer]
            parts += [norm(name)] if not before and isinstance(layer, Dense) else []
        return Residual(Sequential(tuple(parts)))

    return network(sizes, block)


CENTRED_GAIN = math.sqrt(2 / (1 - 1 / math.pi))
"""The gain that Brock et al. give ReLUs whose outputs are weighted by rows that sum to 0."""


def _standardised_layers(sizes: Sizes, block: int, first: bool) -> tuple[Layer, ...]:
    """Standardise the weights of a branch, with Brock et al.'s gain where a ReLU stands before them."""
    branch = layers(sizes, block, first=first)
    parts: list[Layer] = []
    for before, layer in zip((None, *branch), branch, strict=False):
        gain = (CENTRED_GAIN if before is RELU else 1.0) * sizes.width**-0.5
        parts.append(WeightStandardised(layer, gain) if isinstance(layer, Dense) else layer)
    return tuple(parts)


def weight_standardised(sizes: Sizes) -> Network:
    """Weight standardisation (Qiao et al. 2019) of each branch's layers, no other norm, gains of Brock et al. 2021."""
    return network(sizes, lambda block: Residual(Sequential(_standardised_layers(sizes, block, first=False))))


ALPHA = 0.2
"""The branch scale of NF-ResNets (Brock, De & Smith 2021)."""


def nf_block(branch: tuple[Layer, ...], alpha: float, expected_variance: float) -> Residual:
    """Build the block x + alpha f(x / beta), beta the root of the variance that x is expected to have."""
    return Residual(Sequential((Scale(expected_variance**-0.5), *branch, Scale(alpha))))


def nf_variances(alpha: float, blocks: int) -> tuple[float, ...]:
    """Keep the book of expected variances before each block: 1, and alpha^2 more after each."""
    variances = [1.0]
    for _ in range(blocks - 1):
        variances.append(variances[-1] + alpha**2)
    return tuple(variances)


def nf(sizes: Sizes) -> Network:
    """NF-ResNet (Brock, De & Smith 2021): x + 0.2 f(x / beta), ReLUs before standardised layers, beta by the book."""
    variances = nf_variances(ALPHA, sizes.blocks)
    return network(
        sizes, lambda block: nf_block(_standardised_layers(sizes, block, first=True), ALPHA, variances[block])
    )
