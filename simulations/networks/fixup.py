"""Residual networks under Fixup's three rules, each of which can be left out.

1. The classifier and the last layer of each branch start at zero.
2. Everything else starts as He has it, the layers of the L branches times L^(-1 / (2m - 2)), m layers to a branch.
3. A scalar bias (0) stands before every layer of a branch, the classifier and every activation, and a scalar
   multiplier (1) at the end of every branch.

The order of layers is that of the authors' code: an activation follows the addition, and none the classifier.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from simulations.layers.dense import Dense, Layer
from simulations.layers.network import Network, Residual, Sequential
from simulations.layers.scalars import ScalarBias, ScalarMultiplier
from simulations.networks.blocks import RELU, at_least, chain
from simulations.weights.initialisers import Initialiser, he, lecun, zero


@dataclass(frozen=True)
class FixupRules:
    """Which of Fixup's rules a network follows; all of them if not said otherwise.

    Attributes
    ----------
    zero_last, zero_readout : bool
        Rule 1, for the last layers of branches and for the classifier. Without it the former are like the others of
        their branch, and the latter has LeCun's variance.
    scaled : bool
        Rule 2.
    bias, multiplier : functions from a name to a layer, or None
        Rule 3: what is put in, or None for nothing.
    """

    zero_last: bool = True
    zero_readout: bool = True
    scaled: bool = True
    bias: Callable[[str], Layer] | None = ScalarBias
    multiplier: Callable[[str], Layer] | None = ScalarMultiplier

    def scale(self, blocks: int, layers_per_branch: int) -> float:
        """Return the factor of the weights in branches, L^(-1 / (2m - 2)) or 1.

        Raises
        ------
        ValueError
            If there are fewer than 2 layers to a branch: rule 2 asks that the product of the m - 1 scales other than
            the last be 1 / sqrt(L); at m = 1 that product is empty and the exponent singular.
        """
        if layers_per_branch < 2:
            raise ValueError(
                f"layers_per_branch must be at least 2, got {layers_per_branch}; the exponent of L^(-1 / (2m - 2)) is "
                f"singular at m = 1"
            )
        factor: float = blocks ** (-1 / (2 * layers_per_branch - 2))
        return factor if self.scaled else 1.0

    def classifier(self, features: int, classes: int, bias_deviation: float | None = 0.0) -> tuple[Layer, ...]:
        """Return a linear classifier and what stands before it."""
        readout = Dense("readout", features, classes, zero if self.zero_readout else lecun, bias_deviation)
        return *self.biases("readout.before"), readout

    def branch(self, name: str, layers: Sequence[Sequence[Layer]], activation: Layer) -> tuple[Layer, ...]:
        """Put scalars around the layers of a branch, each with what belongs to it, and activations between them."""
        parts: list[Layer] = []
        for position, layer in enumerate(layers):
            ends = position == len(layers) - 1
            parts += [*self.biases(f"{name}.layer{position}.before"), *layer]
            parts += [self.multiplier(f"{name}.multiplier")] if ends and self.multiplier else []
            parts += self.biases(f"{name}.layer{position}.after")
            parts += [] if ends else [activation]
        return tuple(parts)

    def biases(self, name: str) -> tuple[Layer, ...]:
        """Return the bias of this name, or nothing."""
        return (self.bias(name),) if self.bias else ()


FIXUP = FixupRules()
NO_RULES = FixupRules(zero_last=False, zero_readout=False, scaled=False, bias=None, multiplier=None)


def fixup_mlp(
    width: int,
    blocks: int,
    *,
    hidden: int | None = None,
    layers_per_branch: int = 2,
    activation: Layer = RELU,
    stem: int | None = None,
    classes: int | None = None,
    rules: FixupRules = FIXUP,
) -> Network:
    """Build a residual network under Fixup's rules.

    Parameters
    ----------
    hidden : int, optional
        Width inside the branch; `width` if not given.
    stem, classes : int, optional
        Number of input features of a first layer, and of logits of a last; without them the network is its blocks.
    rules : FixupRules
        Those that are followed.

    Raises
    ------
    ValueError
        If a number is below 1, or `layers_per_branch` below 2.
    """
    at_least(1, blocks=blocks, width=width)
    inner = he.scaled(rules.scale(blocks, layers_per_branch))
    sizes = [width, *[width if hidden is None else hidden] * (layers_per_branch - 1), width]

    def block(name: str) -> Layer:
        fans = list(enumerate(pairwise(sizes)))
        inits: list[Initialiser] = [inner] * (layers_per_branch - 1) + [zero if rules.zero_last else inner]
        layers = [[Dense(f"{name}.layer{at}", *pair, init)] for (at, pair), init in zip(fans, inits, strict=True)]
        return Sequential((Residual(Sequential(rules.branch(name, layers, activation))), activation))

    first = None if stem is None else Dense("stem", stem, width, he)
    return chain(
        (block(f"block{number}") for number in range(blocks)),
        stem=None if first is None else Sequential((first, *rules.biases("stem.after"), activation)),
        readout=None if classes is None else Sequential(rules.classifier(width, classes)),
    )
