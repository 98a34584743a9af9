"""Attention as a layer: projections to queries, keys and values, heads, and a projection of what they average.

Rows are (draws, batch * positions, width). Besides its weights, a layer finds among the parameters what depends on the
batch, under names that it is given: which tokens count (`mask`, bool (draws or 1, batch, positions)), and for
cross-attention the rows that keys and values are of (`memory`). The cotangent of the memory is collected with the
gradients, under its name. So a decoder is a network like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulations.attention import masks
from simulations.attention.attend import attend, merge, split
from simulations.attention.positions import rotated
from simulations.layers.dense import Dense, Gradients, Layer, Pullback
from simulations.layers.network import Sequential, learnt
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import Initialiser, lecun
from simulations.weights.kinds import AnyParameters, KindOf, W, Whole, collect, entries_of

IDENTITY = Sequential(())


@dataclass(frozen=True)
class Projections:
    """How the weights of queries, keys, values and output start."""

    query: Initialiser = lecun
    key: Initialiser = lecun
    value: Initialiser = lecun
    output: Initialiser = lecun


@dataclass(frozen=True)
class Attention:
    """Attention with `heads` heads; of the rows to each other, or to a memory.

    Attributes
    ----------
    positions : int, optional
        Queries to an input of the batch. Needed unless `mask` tells the batch: the mask of the memory if there is one,
        else of the rows themselves.
    causal : bool
        Let a query see no key behind its own position.
    mask, memory : str
        Names among the parameters, as the module says; "" for none.
    key_heads : int, optional
        Heads of keys and values, `heads` if not given.
    head_width : int, optional
        Features of a head, width / heads if not given.
    scale : float, optional
        Of the logits, 1 / sqrt(features of a head) if not given.
    rotary : float, optional
        Base of the rotations of queries and keys by their positions; without it there are none.
    keep : float
        Probability that dropout keeps a weight; `keep_masks` draws what is kept.
    inner : Layer
        Stands before the output projection.

    Raises
    ------
    ValueError
        If the numbers do not fit each other.
    """

    name: str
    width: int
    heads: int = 1
    positions: int | None = None
    causal: bool = False
    init: Projections = Projections()
    bias_deviation: float | None = None
    mask: str = ""
    memory: str = ""
    key_heads: int | None = None
    head_width: int | None = None
    scale: float | None = None
    rotary: float | None = None
    keep: float = 1.0
    inner: Layer = IDENTITY

    def __post_init__(self) -> None:
        place = f"attention {self.name!r}"
        for label, number in (("heads", self.heads), ("key_heads", self.key_heads), ("positions", self.positions)):
            if number is not None and number < 1:
                raise ValueError(f"{label} of {place} must be at least 1, got {number}")
        if self.positions is None and not self.mask:
            raise ValueError(f"{place} needs to know how rows part into inputs: give positions or the name of a mask")
        if self.head_width is None and self.width % self.heads:
            raise ValueError(f"{place} can't part width {self.width} into {self.heads} heads; give head_width")
        if self.heads % (self.key_heads or self.heads):
            raise ValueError(f"heads of {place} must be a multiple of key_heads, got {self.heads} and {self.key_heads}")
        if self.causal and self.memory:
            raise ValueError(f"{place} can't be causal: the positions of its memory are not those of its queries")
        if self.rotary is not None and (self._head % 2 or self.memory):
            raise ValueError(f"{place} turns pairs of features by positions of one sequence: even heads, no memory")
        if not 0 < self.keep <= 1:
            raise ValueError(f"keep of {place} must be above 0 and at most 1, got {self.keep}")

    @property
    def _head(self) -> int:
        return self.head_width or self.width // self.heads

    @property
    def kept(self) -> str:
        """The name of what dropout multiplies weights by; without that among the parameters all are kept."""
        return f"{self.name}.kept"

    @cached_property
    def parts(self) -> tuple[Dense, Dense, Dense, Dense]:
        """The projections: query, key, value and output."""
        own, other = self.heads * self._head, (self.key_heads or self.heads) * self._head
        made = [
            Dense(f"{self.name}.{part}", self.width, out, getattr(self.init, part), self.bias_deviation)
            for part, out in (("query", own), ("key", other), ("value", other))
        ]
        output = Dense(f"{self.name}.output", own, self.width, self.init.output, self.bias_deviation)
        return made[0], made[1], made[2], output

    def draw(self, rng: np.random.Generator, draws: int, kind: KindOf[W] | None = None) -> dict[str, Array | W]:
        """Draw the four projections, and what `inner` has."""
        query, key, value, output = (part.draw(rng, draws, kind) for part in self.parts)
        return query | key | value | self.inner.draw(rng, draws, kind) | output

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Attend; ValueError if rows, memory and mask do not fit each other."""
        query, key, value, output = self.parts
        source = entries_of(parameters, self.memory, x) if self.memory else x
        batch, mask = self.seen(parameters, x, source)
        queries, to_x = query.forward(parameters, x)
        keys, to_source = key.forward(parameters, source)
        values, to_source_too = value.forward(parameters, source)
        heads = self.key_heads or self.heads
        kept = entries_of(parameters, self.kept, x) if self.keep < 1 and self.kept in parameters else None
        averages, _, to_heads = attend(
            self.turned(split(queries, batch, self.heads)),
            self.turned(split(keys, batch, heads)),
            split(values, batch, heads),
            mask,
            scale=self.scale,
            kept=kept,
        )
        inner, to_averages = self.inner.forward(parameters, merge(averages))
        y, to_inner = output.forward(parameters, inner)

        def pullback(dy: Array, into: Gradients | None) -> Array:
            cotangent = to_averages(to_inner(dy, into), into)
            dqueries, dkeys, dvalues = to_heads(split(cotangent, batch, self.heads))
            dx = to_x(merge(self.turned(dqueries, back=True)), into)
            dsource = to_source(merge(self.turned(dkeys, back=True)), into) + to_source_too(merge(dvalues), into)
            if not self.memory:
                return dx + dsource
            if into is not None:
                collect(into, self.memory, Whole(dsource))
            return dx

        return y, pullback

    def turned(self, heads: Array, start: int = 0, *, back: bool = False) -> Array:
        """Turn queries or keys by their positions, if that is asked."""
        return heads if self.rotary is None else rotated(heads, self.rotary, start, back=back)

    def seen(self, parameters: AnyParameters, x: Array, source: Array) -> tuple[int, masks.Mask | None]:
        """Return the size of the batch, and what a query may see."""
        tokens = np.asarray(parameters[self.mask]) if self.mask else None
        batch = x.shape[1] // (self.positions or 1) if tokens is None else tokens.shape[1]
        rows = x.shape[1] if self.positions is None else batch * self.positions
        if not batch or x.shape[1] != rows or x.shape[1] % batch or source.shape[1] % batch:
            raise ValueError(
                f"attention {self.name!r} can't part {x.shape[1]} rows into inputs of {self.positions or 'equal'} "
                f"positions, and {source.shape[1]} rows of keys into as many"
            )
        queries, keys = x.shape[1] // batch, source.shape[1] // batch
        if tokens is not None and (tokens.ndim != 3 or tokens.shape[2] != keys):
            raise ValueError(
                f"mask {self.mask!r} of attention {self.name!r} must be (draws or 1, batch, {keys} keys), got shape "
                f"{tokens.shape}"
            )
        mask = None if tokens is None else masks.padding(tokens)
        if self.causal:
            mask = masks.causal(queries, keys) if mask is None else mask & masks.causal(queries, keys)
        return batch, mask

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Give none unless the logits have degree 0, as the softmax has none; then it is that of values and output.

        A memory has degree 1 if its name is in `scaled`, else 0. The bias of the keys may have any degree: it adds the
        same to all logits of a query.
        """
        query, key, value, output = self.parts
        source = incoming if not self.memory else int(self.memory in scaled)
        bare = Dense(key.name, key.fan_in, key.fan_out)
        if query.degree(incoming, scaled) != 0 or bare.degree(source, scaled) != 0:
            return None
        return output.degree(self.inner.degree(value.degree(source, scaled), scaled), scaled)

    def weights(self) -> Iterator[Dense]:
        """Yield the four projections."""
        yield from self.parts

    def learnt(self) -> Iterator[str]:
        """Yield the names of weights and biases, in the order of drawing."""
        *projections, output = self.parts
        for part in (*projections, self.inner, output):
            yield from learnt(part)
