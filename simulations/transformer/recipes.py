"""How Transformers are normalised and how they start: LayerNorm, DeepNorm, Fixup, T-Fixup, ReZero, LayerScale.

A recipe is for one stack; an encoder-decoder has two, which depend on both depths. A layer of an encoder has two
branches (attention, multilayer perceptron), one of a decoder beside an encoder three.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from simulations.attention.layer import Projections
from simulations.networks.blocks import at_least
from simulations.weights.initialisers import Initialiser, glorot, he, lecun, zero

LECUN = Projections()


@dataclass(frozen=True)
class Recipe:
    """Where the norms of a stack stand and how its weights start; ``dataclasses.replace`` changes one thing.

    Attributes
    ----------
    norm : "pre", "post" or "none"
        Before each branch (and once behind the stack), behind each addition, or nowhere.
    projections : Projections
        Of attention.
    first, last : Initialiser
        Of the two layers of the multilayer perceptron.
    shortcut, branch : float
        Constants that multiply the shortcut, and the branch before it is added.
    multiplier : float, optional
        Start of a learnt multiplier at the end of each branch, one a feature if `per_feature`; None for none.
    scalars : bool
        Fixup's third rule: a scalar bias before every layer and activation of a branch, a multiplier at its end.
    embedding, sinusoid : float
        Factors of token embeddings (beyond the usual sqrt(width)) and of the sinusoids added to them.
    readout : Initialiser
        Of the output layer.
    bias : float, optional
        Deviation of the biases of all dense layers; None for no biases.
    affine : bool
        Give norms gains (1) and biases (0).
    eps : float
        Of norms.
    """

    norm: Literal["pre", "post", "none"] = "pre"
    projections: Projections = LECUN
    first: Initialiser = he
    last: Initialiser = lecun
    shortcut: float = 1.0
    branch: float = 1.0
    multiplier: float | None = None
    per_feature: bool = False
    scalars: bool = False
    embedding: float = 1.0
    sinusoid: float = 1.0
    readout: Initialiser = lecun
    bias: float | None = None
    affine: bool = True
    eps: float = 1e-5


PRE, POST, NONE = Recipe("pre"), Recipe("post"), Recipe("none")
Pair = tuple[Recipe, Recipe]
"""Of encoder and decoder."""


def scaled(recipe: Recipe, factor: float) -> Recipe:
    """Multiply the weights on the value path (values, output, both layers of perceptrons) by a factor."""
    projections = replace(
        recipe.projections,
        value=recipe.projections.value.scaled(factor),
        output=recipe.projections.output.scaled(factor),
    )
    return replace(recipe, projections=projections, first=recipe.first.scaled(factor), last=recipe.last.scaled(factor))


XAVIER = Recipe("none", Projections(glorot, glorot, glorot, glorot), glorot, glorot)


def deepnorm(encoder: int, decoder: int) -> Pair:
    """Return the recipes of DeepNet (Wang et al. 2022, figure 2); with 0 layers on one side, of a single stack."""
    at_least(1, layers=encoder + decoder)
    if encoder and decoder:
        depth = (encoder**4 * decoder) ** (1 / 16)
        (alpha, beta), (own, other) = (0.81 * depth, 0.87 / depth), ((3 * decoder) ** 0.25, (12 * decoder) ** -0.25)
    else:
        layers = encoder + decoder
        alpha = own = (2 * layers) ** 0.25
        beta = other = (8 * layers) ** -0.25
    bare = replace(XAVIER, norm="post")
    return replace(scaled(bare, beta), shortcut=alpha), replace(scaled(bare, other), shortcut=own)


def fixup(encoder: int, decoder: int, *, rule_2: bool = True, all_projections: bool = False) -> Pair:
    """Return Fixup (Zhang, Dauphin and Ma 2019) for Transformers, with L = 2 encoder + 3 decoder branches.

    The last layer of each branch and the readout start at zero. On the path of values a branch has two layers (m = 2):
    W_V and W_O, or both of the perceptron; so the first is multiplied by L^(-1/2). W_Q and W_K start as they are: where
    W_O = 0 they have no gradient.

    Parameters
    ----------
    rule_2 : bool
        Without it, only the zeros are kept.
    all_projections : bool
        Count m = 4 layers instead, as the authors' own code does (their repository Fixup, fairseq, 2019): W_Q, W_K and
        W_V times L^(-1/6).
    """
    at_least(1, layers=encoder + decoder)
    branches = 2 * encoder + 3 * decoder if encoder else 2 * decoder
    first = branches**-0.5 if rule_2 else 1.0
    value, other = (branches ** (-1 / 6),) * 2 if rule_2 and all_projections else (first, 1.0)
    projections = Projections(lecun.scaled(other), lecun.scaled(other), lecun.scaled(value), zero)
    recipe = Recipe("none", projections, he.scaled(first), zero, scalars=True, readout=zero)
    return recipe, recipe


def t_fixup(encoder: int, decoder: int) -> Pair:
    """Return T-Fixup (Huang et al. 2020): Xavier, the value path and embeddings smaller with depth.

    The paper has one N for both sides; here each side has its own. Sinusoids are not scaled.
    """
    at_least(1, encoder=encoder, decoder=decoder)
    own, other = 0.67 * encoder**-0.25, (9 * decoder) ** -0.25
    embedding = (9 * encoder) ** -0.25, other
    encoding, decoding = scaled(XAVIER, own), scaled(XAVIER, other)
    return replace(encoding, embedding=embedding[0]), replace(decoding, embedding=embedding[1])


def layer_scale(encoder: int, decoder: int) -> Pair:
    """Return LayerScale (Touvron et al. 2021): pre-LN with a multiplier a feature, smaller with the depth of the side.

    It starts at 0.1 up to 18 layers, 1e-5 up to 24 and 1e-6 in deeper stacks.
    """
    starts = (0.1 if layers <= 18 else 1e-5 if layers <= 24 else 1e-6 for layers in (encoder, decoder))
    own, other = (replace(PRE, multiplier=start, per_feature=True) for start in starts)
    return own, other


REZERO = replace(NONE, multiplier=0.0)
"""ReZero (Bachlechner et al. 2020): no norms, and a multiplier a branch that starts at 0."""
RECIPES: dict[str, Callable[[int, int], Pair]] = {
    "pre": lambda encoder, decoder: (PRE, PRE),
    "post": lambda encoder, decoder: (POST, POST),
    "none": lambda encoder, decoder: (NONE, NONE),
    "deepnorm": deepnorm,
    "fixup": fixup,
    "fixup, m = 4": lambda encoder, decoder: fixup(encoder, decoder, all_projections=True),
    "zero last": lambda encoder, decoder: fixup(encoder, decoder, rule_2=False),
    "t-fixup": t_fixup,
    "rezero": lambda encoder, decoder: (REZERO, REZERO),
    "layerscale": layer_scale,
}
"""Recipes of encoder and decoder by name, for so many layers each."""
