"""Tokens as rows: a table that is looked up, and its transpose as the last layer of a model with tied embeddings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.attention.positions import sinusoids
from simulations.layers.dense import Dense, Gradients, Pullback
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import Initialiser
from simulations.weights.kinds import AnyParameters, KindOf, W, Whole, collect, entries_of


def _by_width(fan_in: int, fan_out: int) -> float:
    return 1 / fan_out


unit_rows = Initialiser(_by_width)
"""Variance 1 / width, so that the square norm of a token's row is 1 in mean."""


@dataclass(frozen=True)
class Embedding:
    """Rows of a table by their numbers, times `factor`, plus the sinusoids of their positions times `sinusoid`.

    Attributes
    ----------
    tokens : int
        How many there are.
    """

    name: str
    tokens: int
    width: int
    init: Initialiser = unit_rows
    factor: float = 1.0
    sinusoid: float = 0.0

    def __post_init__(self) -> None:
        for label, number in (("tokens", self.tokens), ("width", self.width)):
            if number < 1:
                raise ValueError(f"{label} of embedding {self.name!r} must be at least 1, got {number}")

    @property
    def weight(self) -> str:
        """The name of the table, (draws, tokens, width)."""
        return f"{self.name}.weight"

    def draw(self, rng: np.random.Generator, draws: int, kind: KindOf[W] | None = None) -> dict[str, Array | W]:
        """Draw the table, as an array of whatever kind it is asked: products do not tell its rows."""
        return {self.weight: self.init.draw(rng, draws, self.tokens, self.width)}

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Look up integers (draws, batch, positions): rows (draws, batch * positions, width).

        Numbers have no cotangent: the pullback returns zeros.

        Raises
        ------
        ValueError
            If `x` are no integers of that shape, or one is not the number of a token.
        """
        rows, numbers = self.rows(parameters, x), x.reshape(len(x), -1)

        def pullback(dy: Array, into: Gradients | None) -> Array:
            if into is not None:
                gradient = summed_by_token(numbers, dy, self.tokens)
                collect(into, self.weight, Whole(gradient * dy.dtype.type(self.factor)))
            return np.zeros(x.shape)

        return rows, pullback

    def rows(self, parameters: AnyParameters, x: NDArray[Any], start: int = 0) -> Array:
        """Look tokens up whose positions begin at `start`."""
        table = np.asarray(parameters[self.weight])
        if x.dtype.kind not in "iu" or x.ndim != 3 or len(x) != len(table):
            raise ValueError(
                f"embedding {self.name!r} expects integers (draws {len(table)}, batch, positions), got {x.dtype} of "
                f"shape {x.shape}"
            )
        if x.size and not 0 <= x.min() <= x.max() < self.tokens:
            raise ValueError(
                f"embedding {self.name!r} has tokens 0 to {self.tokens - 1}, got numbers from {x.min()} to {x.max()}"
            )
        numbers = x.reshape(len(x), -1)
        rows: Array = table[np.arange(len(x))[:, None], numbers]
        if self.factor != 1:
            rows *= table.dtype.type(self.factor)
        if self.sinusoid:
            own = (self.sinusoid * sinusoids(x.shape[2], self.width, start=start)).astype(table.dtype)
            rows.reshape(*x.shape, self.width)[...] += own
        return rows

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Give the table's degree, 0 or 1; the sinusoids are a constant, of degree 0."""
        own = int(self.weight in scaled)
        return None if incoming != 0 or (self.sinusoid and own) else own

    def weights(self) -> Iterator[Dense]:
        """Yield nothing."""
        return iter(())

    def learnt(self) -> Iterator[str]:
        """Yield the name of the table."""
        yield self.weight


def summed_by_token(numbers: NDArray[Any], rows: Array, tokens: int) -> Array:
    """Sum rows (draws, rows, width) of the same number (draws, rows): (draws, tokens, width)."""
    sums = np.zeros((len(rows), tokens, rows.shape[2]), rows.dtype)
    for own, some, total in zip(numbers, rows, sums, strict=True):
        order = np.argsort(own, kind="stable")
        ordered = own[order]
        starts = np.flatnonzero(np.diff(ordered, prepend=-1))
        total[ordered[starts]] = np.add.reduceat(some[order], starts, axis=0)
    return sums


@dataclass(frozen=True)
class TiedReadout:
    """Logits from the transposed table of an embedding, ``x @ E^T`` (Press and Wolf 2017)."""

    embedding: Embedding

    def draw(self, rng: np.random.Generator, draws: int, kind: KindOf[W] | None = None) -> dict[str, Array | W]:
        """Draw nothing: the table is the embedding's."""
        return {}

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Return the logits (draws, batch, tokens)."""
        table = entries_of(parameters, self.embedding.weight, x)

        def pullback(dy: Array, into: Gradients | None) -> Array:
            if into is not None:
                collect(into, self.embedding.weight, Whole(dy.mT @ x))
            dx: Array = dy @ table
            return dx

        return x @ table.mT, pullback

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Add one if the table is scaled."""
        return None if incoming is None else incoming + (self.embedding.weight in scaled)

    def weights(self) -> Iterator[Dense]:
        """Yield nothing."""
        return iter(())

    def learnt(self) -> Iterator[str]:
        """Yield nothing: the table is the embedding's."""
        return iter(())
