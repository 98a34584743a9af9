"""Stacks of attention and multilayer perceptrons (Vaswani et al. 2017), each branch a block of the network.

The branches of a layer are named ``block0.attention`` (with ``.query``, ``.key``, ``.value``, ``.output``),
``block0.cross`` in a decoder, and ``block0.mlp`` (``.layer0``, ``.layer1``); their norms ``block0.attention.norm`` and
so on. A stack with a name has it in front of all of these.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

from simulations.attention.dropout import RowDropout
from simulations.attention.embedding import Embedding, TiedReadout
from simulations.attention.layer import IDENTITY, Attention
from simulations.layers.dense import Dense, Layer
from simulations.layers.network import Network, Residual, Sequential
from simulations.layers.row_norms import RowNorm
from simulations.layers.scalars import FeatureMultiplier, ScalarMultiplier
from simulations.layers.scaling import Scale
from simulations.networks.blocks import RELU, at_least
from simulations.networks.fixup import FIXUP, NO_RULES
from simulations.transformer.recipes import PRE, Recipe


def transformer(
    width: int,
    layers: int,
    recipe: Recipe = PRE,
    *,
    heads: int = 1,
    key_heads: int | None = None,
    rotary: float | None = None,
    hidden: int | None = None,
    positions: int | None = None,
    causal: bool = False,
    mask: str = "",
    memory: str = "",
    memory_mask: str = "",
    tokens: int | None = None,
    classes: int | None = None,
    tied: bool = False,
    keep: float = 1.0,
    activation: Layer = RELU,
    name: str = "",
) -> Network:
    """Build a stack of Transformer layers.

    Parameters
    ----------
    heads, key_heads, rotary
        Of attention, as in `Attention`; only self-attention turns queries and keys.
    hidden : int, optional
        Width of the perceptrons, 4 width if not given.
    positions, causal, mask
        Of self-attention, as in `Attention`.
    memory, memory_mask : str
        Names of the rows of an encoder, and of which of them count: each layer then has cross-attention too.
    tokens : int, optional
        Begin with an embedding of so many tokens, plus sinusoids: the input is integers (draws, batch, positions).
        Without it the input is rows (draws, batch * positions, width).
    classes : int, optional
        Logits of a last layer.
    tied : bool
        Take the embedding's transpose for the last layer.
    keep : float
        Of dropout, of the weights of attention, of branches and of embeddings; 1 for none.

    Raises
    ------
    ValueError
        If a number is too small, or numbers do not fit.
    """
    at_least(1, width=width)
    at_least(0, layers=layers)
    if tied and (tokens is None or classes is not None):
        raise ValueError("a tied last layer has a logit for each token of the embedding: give tokens, and no classes")
    prefix, rules = f"{name}." if name else "", FIXUP if recipe.scalars else NO_RULES
    parts: list[Layer] = []
    if tokens is not None:
        factor = recipe.embedding * math.sqrt(width)
        table = Embedding(f"{prefix}embedding", tokens, width, factor=factor, sinusoid=recipe.sinusoid)
        parts += [table, *_dropout(f"{prefix}embedding", width, keep)]

    own = Attention(
        f"{prefix}block.attention",
        width,
        heads,
        positions,
        causal,
        recipe.projections,
        recipe.bias,
        mask,
        key_heads=key_heads,
        rotary=rotary,
        keep=keep,
    )
    attentions = {"attention": own}
    if memory:
        attentions["cross"] = replace(own, causal=False, mask=memory_mask, memory=memory, rotary=None)
    for number in range(layers):
        block = f"{prefix}block{number}"
        branches: dict[str, list[list[Layer]]] = {}
        for kind, model in attentions.items():
            inner = Sequential(rules.biases(f"{block}.{kind}.output.before"))
            branches[kind] = [[replace(model, name=f"{block}.{kind}", inner=inner)]]
        fans = pairwise((width, hidden or 4 * width, width))
        branches["mlp"] = [
            [Dense(f"{block}.mlp.layer{at}", *pair, init, recipe.bias)]
            for at, (pair, init) in enumerate(zip(fans, (recipe.first, recipe.last), strict=True))
        ]
        for kind, some in branches.items():
            place = f"{block}.{kind}"
            branch = (*rules.branch(place, some, activation), *_dropout(place, width, keep))
            parts.append(_added(place, width, branch, recipe))
    if recipe.norm == "pre" and layers:
        parts.append(_norm(f"{prefix}last", width, recipe))
    if tied and tokens is not None:
        parts.append(TiedReadout(table))
    if classes is not None:
        bias = 0.0 if recipe.scalars else recipe.bias
        readout = Dense(f"{prefix}readout", width, classes, recipe.readout, bias)
        parts += [*rules.biases(f"{prefix}readout.before"), readout]
    return Network(tuple(parts))


def _added(place: str, width: int, branch: tuple[Layer, ...], recipe: Recipe) -> Layer:
    """Add a branch to its shortcut, with the norm where the recipe has it."""
    scales: tuple[Layer, ...] = () if recipe.branch == 1 else (Scale(recipe.branch),)
    if recipe.multiplier is not None:
        name = f"{place}.gain"
        scales += (
            FeatureMultiplier(name, recipe.multiplier, width)
            if recipe.per_feature
            else ScalarMultiplier(name, recipe.multiplier),
        )
    shortcut = IDENTITY if recipe.shortcut == 1 else Scale(recipe.shortcut)
    before = (_norm(place, width, recipe),) if recipe.norm == "pre" else ()
    whole = Residual(Sequential((*before, *branch, *scales)), shortcut)
    return Sequential((whole, _norm(place, width, recipe))) if recipe.norm == "post" else whole


def _norm(place: str, width: int, recipe: Recipe) -> Layer:
    starts = (1.0, 0.0) if recipe.affine else (None, None)
    return RowNorm(f"{place}.norm", width, recipe.eps, *starts)


def _dropout(place: str, width: int, keep: float) -> tuple[Layer, ...]:
    return () if keep == 1 else (RowDropout(f"{place}.dropout", width, keep),)
