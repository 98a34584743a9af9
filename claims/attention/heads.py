"""One head of attention on real tokens: how its logits, weights and outputs are measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from claims.run import Run
from simulations import Initialiser, lecun
from simulations.attention.attend import products, split
from simulations.attention.layer import Attention, Projections
from simulations.layers.dense import Gradients, Parameters
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import Law

VASWANI = "Vaswani et al. 2017 (Transformer)"
WIDTH, HEAD = 5, 2
"""Features of a token and of a head: small, as nothing depends on their being large."""


def head(head_width: int = HEAD, positions: int = 2, init: Initialiser = lecun, width: int = WIDTH) -> Attention:
    """Return a layer of one head, all of whose projections start alike."""
    return Attention("attention", width, 1, positions, init=Projections(init, init, init, init), head_width=head_width)


def tokens(run: Run, name: str, count: int, positions: int, width: int = WIDTH) -> Array:
    """Real rows (count, positions, width), chosen at random with replacement."""
    rows = run.inputs.narrowed(width)
    return rows[run.rng("tokens", name).integers(len(rows), size=(count, positions))]


def unlike(run: Run, name: str, count: int, positions: int, width: int = WIDTH) -> Array:
    """Real rows of mean square 1 with as much noise, again of mean square 1: tokens that are not much alike."""
    rows = tokens(run, name, count, positions, width)
    rows *= width**0.5 / np.linalg.norm(rows, axis=2, keepdims=True)
    rows += run.rng("noise", name).standard_normal(rows.shape)
    rows *= width**0.5 / np.linalg.norm(rows, axis=2, keepdims=True)
    return rows


@dataclass(frozen=True)
class Products:
    """Queries and keys of one head, and their products."""

    queries: Array
    """(draws, positions, head)."""
    keys: Array
    logits: Array
    """(draws, queries, keys), not divided by anything."""
    gradients: Callable[[Array], Gradients]
    """From the cotangent of the logits to the gradients of the projections."""


def compared(layer: Attention, parameters: Parameters, x: Array) -> Products:
    """Run the projections of queries and keys and multiply."""
    query, key, *_ = layer.parts
    queries, to_query = query.forward(parameters, x)
    keys, to_key = key.forward(parameters, x)
    logits, to_vectors = products(split(queries, 1, 1), split(keys, 1, 1))

    def gradients(cotangent: Array) -> Gradients:
        into: Gradients = {}
        dqueries, dkeys = to_vectors(cotangent[:, None, None])
        to_query(dqueries[:, 0, 0], into)
        to_key(dkeys[:, 0, 0], into)
        return into

    return Products(queries, keys, logits[:, 0, 0], gradients)


def drawn(run: Run, name: str, layer: Attention, draws: int, tied: bool = False) -> Parameters:
    """Draw the head's weights; `tied` gives queries and keys one matrix."""
    parameters = layer.draw(run.rng("weights", name), draws)
    query, key, *_ = layer.parts
    return parameters | {key.weight: parameters[query.weight]} if tied else parameters


def logits(run: Run, head_width: int, law: Law, tied: bool, draws: int) -> tuple[Array, Array]:
    """Logits of the first of four tokens with the second, and of the third with the fourth; and the tokens.

    Returns
    -------
    arrays (draws, 2) and (draws, 4, width)
    """
    layer = head(head_width, 4, lecun.with_law(law))
    name = f"{head_width} {law.__name__}"
    x = tokens(run, name, draws, 4)
    found = compared(layer, drawn(run, name, layer, draws, tied), x).logits
    return np.stack([found[:, 0, 1], found[:, 2, 3]], axis=1), x
