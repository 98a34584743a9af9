"""Translate token by token: the best at each step, or the best few beams, with keys and values that are kept.

A step runs one row an input through the decoder. Its attention to earlier tokens and to the source needs their keys and
values only, which are kept from when they were first computed; all other layers act on rows by themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.attention import masks
from simulations.attention.attend import attend, merge, split
from simulations.attention.embedding import Embedding
from simulations.attention.layer import Attention
from simulations.layers.dense import Layer
from simulations.layers.network import Residual, Sequential
from simulations.networks.blocks import at_least
from simulations.numbers.arrays import Array
from simulations.transformer.translator import END, MEMORY, PAD, SOURCE, START, Translator, seen
from simulations.weights.kinds import AnyParameters, entries_of

Tokens = NDArray[np.int64]


class Steps:
    """A decoder at work on sources (batch, positions), one token each a step, all from one draw of weights."""

    def __init__(self, translator: Translator, parameters: AnyParameters, source: Tokens) -> None:
        tokens: Any = source[None]
        self._decoder, self._position = translator.decoder, 0
        mask = seen(SOURCE, tokens)
        memory = translator.encoder.run({**parameters, **mask}, tokens).output
        self._parameters: AnyParameters = {**parameters, **mask, MEMORY: memory}
        self._kept: dict[str, tuple[Array, Array]] = {}

    def logits(self, tokens: Tokens) -> Array:
        """Return the logits (batch, tokens) behind the next token (batch,) of each source."""
        rows: Any = tokens[None, :, None]
        logits = self._through(self._decoder, rows)[0]
        logits[:, [PAD, START]] = -np.inf  # which no translation has
        self._position += 1
        return np.asarray(logits)

    def choose(self, rows: Tokens) -> None:
        """Go on with these of the sources, in this order; a source may go on more than once."""
        self._kept = {name: (keys[:, rows], values[:, rows]) for name, (keys, values) in self._kept.items()}
        mask, memory = np.asarray(self._parameters[SOURCE]), np.asarray(self._parameters[MEMORY])
        chosen = memory.reshape(*mask.shape, -1)[:, rows]
        self._parameters = {
            **self._parameters, SOURCE: mask[:, rows], MEMORY: chosen.reshape(1, -1, memory.shape[2])
        }  # fmt: skip

    def _through(self, layer: Layer, x: Array) -> Array:
        match layer:
            case Sequential():
                for part in layer.layers:
                    x = self._through(part, x)
                return x
            case Residual():
                return self._through(layer.shortcut, x) + self._through(layer.branch, x)
            case Embedding():
                return layer.rows(self._parameters, x, self._position)
            case Attention():
                return self._attend(layer, x)
        return layer.forward(self._parameters, x)[0]

    def _attend(self, layer: Attention, x: Array) -> Array:
        query, key, value, output = layer.parts
        batch, heads = x.shape[1], layer.key_heads or layer.heads
        if not layer.memory or layer.name not in self._kept:
            source = entries_of(self._parameters, layer.memory, x) if layer.memory else x
            keys, values = (split(part.forward(self._parameters, source)[0], batch, heads) for part in (key, value))
            if not layer.memory:
                keys = layer.turned(keys, self._position)
                if layer.name in self._kept:
                    pairs = zip(self._kept[layer.name], (keys, values), strict=True)
                    keys, values = (np.concatenate(pair, axis=3) for pair in pairs)
            self._kept[layer.name] = keys, values
        keys, values = self._kept[layer.name]
        mask = masks.padding(np.asarray(self._parameters[layer.mask])) if layer.memory else None
        queries = layer.turned(split(query.forward(self._parameters, x)[0], batch, layer.heads), self._position)
        averages, _, _ = attend(queries, keys, values, mask, scale=layer.scale)
        inner, _ = layer.inner.forward(self._parameters, merge(averages))
        return output.forward(self._parameters, inner)[0]


def greedy(translator: Translator, parameters: AnyParameters, source: Tokens, longest: int) -> list[list[int]]:
    """Translate sources (batch, positions) by the most probable token at each step, of `longest` tokens at most.

    Parameters
    ----------
    parameters : dict of arrays (1, ...)
        Of one draw.

    Returns
    -------
    list of lists of int
        Tokens between `START` and `END`.
    """
    at_least(1, longest=longest)
    steps, tokens = Steps(translator, parameters, source), np.full(len(source), START)
    found: list[list[int]] = [[] for _ in source]
    going = np.arange(len(source))
    for _ in range(longest):
        tokens = steps.logits(tokens).argmax(axis=1)
        on = np.flatnonzero(tokens != END)
        if not len(on):
            break
        if len(on) < len(going):
            steps.choose(on)
        going, tokens = going[on], tokens[on]
        for one, token in zip(going.tolist(), tokens.tolist(), strict=True):
            found[one].append(token)
    return found


def beam_search(
    translator: Translator,
    parameters: AnyParameters,
    source: Tokens,
    longest: int,
    *,
    beams: int = 4,
    penalty: float = 0.6,
) -> list[list[int]]:
    """Translate sources by the likeliest of `beams` translations that are followed at once.

    They are ranked by the logarithm of their probability over ((5 + length) / 6)^penalty, as in Wu et al. 2016; those
    that have ended stay among them while they are good enough.

    Returns
    -------
    list of lists of int
        Tokens between `START` and `END`, at most `longest` of them.
    """
    at_least(1, longest=longest, beams=beams)
    count = len(source)
    steps, tokens = Steps(translator, parameters, source), np.full(count, START)
    scores, lengths, ended = np.zeros((count, 1)), np.zeros((count, 1)), np.zeros((count, 1), bool)
    written = np.empty((count, 1, 0), np.int64)
    for length in range(longest + 1):
        logs = _logarithms(steps.logits(tokens)).reshape(count, scores.shape[1], -1)
        if length == longest:  # no more than the end may follow
            logs[..., np.arange(logs.shape[2]) != END] = -np.inf
        logs[ended] = -np.inf
        logs[ended, PAD] = 0
        totals, longer = scores[..., None] + logs, lengths + ~ended
        ranks = (totals / _length(longer, penalty)[..., None]).reshape(count, -1)
        best = np.argsort(-ranks, axis=1, kind="stable")[:, :beams]
        parents, chosen = np.divmod(best, logs.shape[2])
        scores = np.take_along_axis(totals.reshape(count, -1), best, axis=1)
        lengths = np.take_along_axis(longer, parents, axis=1)
        ended = np.take_along_axis(ended, parents, axis=1) | (chosen == END)
        written = np.concatenate([np.take_along_axis(written, parents[..., None], axis=1), chosen[..., None]], axis=2)
        if ended.all():
            break
        steps.choose((np.arange(count)[:, None] * logs.shape[1] + parents).reshape(-1))
        tokens = chosen.reshape(-1)
    first = (scores / _length(lengths, penalty)).argmax(axis=1)
    return [some[: some.index(END)] for some in written[np.arange(count), first].tolist()]


def _logarithms(logits: Array) -> Array:
    """Return the logarithms of the probabilities (batch, tokens)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs


def _length(lengths: Array, penalty: float) -> Array:
    powers: Array = ((5 + lengths) / 6) ** penalty
    return powers
