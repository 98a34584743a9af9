"""Residual networks under Fixup's three rules, each of which can be left out.

1. The classifier and the last layer of each branch start at zero.
2. Everything else starts as He has it, the layers of the L branches times L^(-1 / (2m - 2)), m layers to a branch.
3. A scalar bias (0) stands before every layer of a branch, the classifier and every activation, and a scalar
   multiplier (1) at the end of every branch.

The order of layers is that of the authors' code: an activation follows the addition, and none the classifier.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from simulations.layers.dense import Dense, Layer
from simulations.layers.network import Network, Residual, Sequential
from simulations.layers.scalars import ScalarBias, ScalarMultiplier
from simulations.networks.mlp import RELU
from simulations.weights.initialisers import he, lecun, zero


def fixup_mlp(
    width: int,
    blocks: int,
    *,
    hidden: int | None = None,
    layers_per_branch: int = 2,
    activation: Layer = RELU,
    stem: int | None = None,
    classes: int | None = None,
    zero_readout: bool = True,
    zero_last: bool = True,
    scaled: bool = True,
    scalars: bool = True,
    bias: Callable[[str], Layer] = ScalarBias,
    multiplier: Callable[[str], Layer] = ScalarMultiplier,
) -> Network:
    """Build a residual network under Fixup's rules.

    Parameters
    ----------
    hidden : int, optional
        Width inside the branch; `width` if not given.
    stem, classes : int, optional
        Number of input features of a first layer, and of logits of a last; without them the network is its blocks.
    zero_readout, zero_last, scaled, scalars : bool
        Rule 1 for the classifier and for the branches, rule 2, and rule 3. Without rule 1 the classifier has LeCun's
        variance, and the last layers are like the others of their branch.
    bias, multiplier : functions from a name to a layer
        What rule 3 puts in.

    Raises
    ------
    ValueError
        If a number is below 1, or `layers_per_branch` below 2: rule 2 asks that the product of the m - 1 scales other
        than the last be 1 / sqrt(L), hence L^(-1 / (2m - 2)); at m = 1 that product is empty and the exponent singular.
    """
    for label, count, least in (
        ("blocks", blocks, 1),
        ("width", width, 1),
        ("layers_per_branch", layers_per_branch, 2),
    ):
        if count < least:
            reason = "; the exponent of L^(-1 / (2m - 2)) is singular at m = 1" if least == 2 else ""
            raise ValueError(f"{label} must be at least {least}, got {count}{reason}")
    inner = he.scaled(blocks ** (-1 / (2 * layers_per_branch - 2)) if scaled else 1.0)
    sizes = [width, *[width if hidden is None else hidden] * (layers_per_branch - 1), width]

    def extra(kind: Callable[[str], Layer], name: str) -> list[Layer]:
        return [kind(name)] if scalars else []

    chain: list[Layer] = []
    if stem is not None:
        chain.append(Sequential((Dense("stem", stem, width, he), *extra(bias, "stem.after"), activation)))
    for block in range(blocks):
        branch: list[Layer] = []
        for position, (fan_in, fan_out) in enumerate(pairwise(sizes)):
            last, name = position == layers_per_branch - 1, f"block{block}.layer{position}"
            branch += extra(bias, f"{name}.before")
            branch.append(Dense(name, fan_in, fan_out, zero if last and zero_last else inner))
            branch += extra(multiplier, f"block{block}.multiplier") if last else []
            branch += extra(bias, f"{name}.after")
            branch += [] if last else [activation]
        chain.append(Sequential((Residual(Sequential(tuple(branch))), activation)))
    if classes is not None:
        readout = Dense("readout", width, classes, zero if zero_readout else lecun, bias_deviation=0.0)
        chain.append(Sequential((*extra(bias, "readout.before"), readout)))
    return Network(tuple(chain))
