"""An encoder-decoder: two networks with an input each, of which the second sees what the first makes of its own.

What depends on the batch goes to the layers by name, with the parameters: which tokens of both inputs count, and the
rows of the encoder, as ``memory``. So each half is a network like any other, with its states, cotangents and degrees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.attention.masks import Mask
from simulations.layers.dense import Gradients, Parameters
from simulations.layers.network import Network, Run
from simulations.numbers.arrays import Array
from simulations.transformer.recipes import RECIPES, Pair
from simulations.transformer.stack import transformer
from simulations.weights.kinds import AnyParameters, KindOf, W

PAD, START, END = 0, 1, 2
"""Numbers of the tokens that fill up an input, begin a translation and end it."""
MEMORY, SOURCE, TARGET = "memory", "source.mask", "target.mask"
"""Names of what goes to the layers with the parameters."""

Input = NDArray[Any]
"""Tokens, integers (draws, batch, positions), or rows (draws, batch * positions, width)."""
Pullbacks = Callable[[Array, Gradients | None], tuple[Array, Array]]


@dataclass(frozen=True)
class Both:
    """Runs of the two halves, and the way back through both."""

    encoder: Run
    decoder: Run

    @property
    def output(self) -> Array:
        """The logits (draws, batch * positions of the target, tokens)."""
        return self.decoder.output

    def backward(self, cotangent: Array, into: Gradients | None = None) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Return the cotangents at all states of the encoder and of the decoder; fill `into` with gradients."""
        own: Gradients = {}
        of_decoder = self.decoder.backward(cotangent, own)
        memory = own.pop(MEMORY).array if MEMORY in own else np.zeros_like(self.encoder.output)
        of_encoder = self.encoder.backward(memory, own)
        if into is not None:
            into |= own
        return of_encoder, of_decoder

    def gradients(self, cotangent: Array) -> Parameters:
        """Return the parameters' gradients by name, summed over the batch."""
        into: Gradients = {}
        self.backward(cotangent, into)
        return {name: gradient.array for name, gradient in into.items()}


@dataclass(frozen=True)
class Translator:
    """An encoder and a decoder with cross-attention to it.

    Inputs are tokens, integers (draws, batch, positions) that are `PAD` behind the end, or, for networks built without
    embeddings, rows (draws, batch * positions, width).
    """

    encoder: Network
    decoder: Network

    def draw(self, rng: np.random.Generator, draws: int, kind: KindOf[W] | None = None) -> dict[str, Array | W]:
        """Draw the parameters of both."""
        return self.encoder.draw(rng, draws, kind) | self.decoder.draw(rng, draws, kind)

    def parameter_names(self) -> tuple[str, ...]:
        """Name every weight, bias and scalar, those of the encoder first."""
        return self.encoder.parameter_names() + self.decoder.parameter_names()

    def run(self, parameters: AnyParameters, source: Input, target: Input) -> Both:
        """Run both and keep every state.

        Raises
        ------
        ValueError
            If inputs do not fit the networks, or a source has no tokens.
        """
        encoder = self.encoder.run({**parameters, **seen(SOURCE, source)}, source)
        named = seen(SOURCE, source) | seen(TARGET, target) | {MEMORY: encoder.output}
        return Both(encoder, self.decoder.run({**parameters, **named}, target))

    def forward(self, parameters: AnyParameters, source: Input, target: Input) -> tuple[Array, Pullbacks]:
        """Return the logits (draws, batch * positions of the target, tokens) and their pullback.

        That returns the cotangents of the two inputs (zeros for tokens), and adds gradients to `into`.
        """
        run = self.run(parameters, source, target)

        def pullback(cotangent: Array, into: Gradients | None) -> tuple[Array, Array]:
            of_encoder, of_decoder = run.backward(cotangent, into)
            return of_encoder[0], of_decoder[0]

        return run.output, pullback


def seen(name: str, tokens: Input) -> dict[str, Mask]:
    """Return, under this name, which tokens (draws, batch, positions) count; nothing for rows."""
    return {name: np.not_equal(tokens, PAD)} if tokens.dtype.kind in "iu" else {}


def translator(
    width: int,
    layers: tuple[int, int],
    recipe: str | Pair = "pre",
    *,
    heads: int = 1,
    key_heads: int | None = None,
    rotary: float | None = None,
    hidden: int | None = None,
    tokens: tuple[int, int] | None = None,
    positions: tuple[int, int] | None = None,
    classes: int | None = None,
    tied: bool = False,
    keep: float = 1.0,
) -> Translator:
    """Build an encoder-decoder; its two halves are named ``encoder`` and ``decoder``.

    Parameters
    ----------
    layers : tuple of two int
        Of encoder and decoder.
    recipe : str or pair of Recipe
        A name of `RECIPES`, or the recipes of the two.
    tokens : tuple of two int, optional
        Numbers of tokens of source and target, which also are the logits; then inputs are tokens of any length.
    positions, classes
        Without tokens, of rows: positions of source and target, and the number of logits.
    heads, key_heads, rotary, hidden, tied, keep
        As in `transformer`; `tied` is about the decoder.

    Raises
    ------
    ValueError
        If neither or both of tokens and positions are given, a recipe is unknown, or numbers do not fit.
    """
    if (tokens is None) == (positions is None):
        raise ValueError("an encoder-decoder has tokens, or else rows of so many positions: give one of the two")
    if isinstance(recipe, str):
        if recipe not in RECIPES:
            raise ValueError(f"unknown recipe {recipe!r}; expected one of {', '.join(RECIPES)}")
        recipe = RECIPES[recipe](*layers)
    masks = (SOURCE, TARGET) if tokens else ("", "")
    halves = [
        transformer(
            width,
            layers[side],
            recipe[side],
            heads=heads,
            key_heads=key_heads,
            rotary=rotary,
            hidden=hidden,
            positions=None if positions is None else positions[side],
            causal=bool(side),
            mask=masks[side],
            memory=MEMORY if side else "",
            memory_mask=masks[0],
            tokens=None if tokens is None else tokens[side],
            classes=None if not side or tied else tokens[1] if tokens else classes,
            tied=tied and bool(side),
            keep=keep,
            name=name,
        )
        for side, name in enumerate(("encoder", "decoder"))
    ]
    return Translator(*halves)
