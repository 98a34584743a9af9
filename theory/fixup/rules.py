"""Fixup's third rule: what its scalars change at the start, and how many they are.

The layout is that of the authors' code: a scalar bias before and after every layer of a branch, a multiplier on the
last, one more bias after the stem and one before the classifier. L branches of m layers; exact.

- With biases 0 and multiplier 1 a block computes what it does without scalars (`start`, for m = 2).
- There are (2m + 1) L + 2 scalars (`count`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.rules import substituting
from theory.symbols import BLOCKS, LAYERS, X

W1, W2 = sp.symbols("w_1 w_2", real=True)
"""The weights of a branch."""
MULTIPLIER = sp.Symbol("s", real=True)
BIASES = sp.symbols("b_1a b_1b b_2a b_2b", real=True)


@cache
def start() -> Derivation:
    """Derive what a block with all scalars computes where the biases are 0 and the multiplier is 1."""
    phi, (first, second, third, fourth) = sp.Function("phi"), BIASES
    return (
        Derivation.begin(
            "A block with scalars at the start",
            "A block of two layers with a bias before each layer and activation, and a multiplier.",
            phi(X + MULTIPLIER * W2 * (phi(W1 * (X + first) + second) + third) + fourth),
        )
        .then(
            "Biases of 0 leave the multiplier, a factor on the branch.",
            phi(X + MULTIPLIER * W2 * phi(W1 * X)),
            substituting(dict.fromkeys(BIASES, 0)),
        )
        .then("At 1 it is the block without scalars.", phi(X + W2 * phi(W1 * X)), substituting({MULTIPLIER: 1}))
    )


@cache
def count() -> Derivation:
    """Derive how many scalars L branches of m layers have."""
    layer, branch = sp.symbols("k l", integer=True, positive=True)
    return (
        Derivation.begin(
            "Number of scalars",
            "A bias before and one after each layer of a branch, a multiplier a branch, and the two of stem and "
            "classifier.",
            sp.Sum(sp.Sum(2, (layer, 1, LAYERS)) + 1, (branch, 1, BLOCKS)) + 2,
        )
        .then("Add up the layers of a branch.", sp.Sum(2 * LAYERS + 1, (branch, 1, BLOCKS)) + 2)
        .then("Add up the branches.", (2 * LAYERS + 1) * BLOCKS + 2)
    )


def scalar_count(branches: Value, layers_per_branch: Value) -> sp.Expr:
    """Return the number of scalars (2m + 1) L + 2 of a network of L = `branches` with stem and classifier. Exact.

    Source: Fixup's third rule, laid out as in the authors' code.
    """
    return count().at(
        L=positive_integer("branches", branches), m=positive_integer("layers_per_branch", layers_per_branch)
    )


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (start, count)
