"""How many parameters Fixup's scalars are beside those of a normalisation.

L branches of m layers with C channels; exact counts, stem and classifier left out.

- A norm behind each layer has a gain and a bias for each channel: 2 m L C (`of_norms`).
- Fixup's biases and multipliers are single numbers: (2m + 1) L, whatever C (`of_scalars`), which is (1 + 1/(2m)) / C of
  the former (`ratio`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.symbols import BLOCKS, LAYERS

CHANNELS = sp.Symbol("C", integer=True, positive=True)


@cache
def of_norms() -> Derivation:
    """Derive the number of parameters of a norm behind each layer of each branch."""
    branch, layer, channel = sp.symbols("l k i", integer=True, positive=True)
    return Derivation.begin(
        "Parameters of norms",
        "A gain and a bias for each channel, layer and branch.",
        sp.Sum(2, (channel, 1, CHANNELS), (layer, 1, LAYERS), (branch, 1, BLOCKS)),
    ).then("Add up.", 2 * LAYERS * BLOCKS * CHANNELS)


@cache
def of_scalars() -> Derivation:
    """Derive the number of Fixup's scalars in its branches."""
    branch, layer = sp.symbols("l k", integer=True, positive=True)
    return Derivation.begin(
        "Fixup's scalars in its branches",
        "A bias before and one after each layer, and a multiplier a branch.",
        sp.Sum(1 + sp.Sum(2, (layer, 1, LAYERS)), (branch, 1, BLOCKS)),
    ).then("Add up: no channel comes in.", (2 * LAYERS + 1) * BLOCKS)


@cache
def ratio() -> Derivation:
    """Derive the number of Fixup's scalars over that of the norms' parameters."""
    return Derivation.begin(
        "Fixup's scalars beside parameters of norms",
        "Divide one number by the other.",
        of_scalars().result / of_norms().result,
    ).then("The depth cancels.", (1 + 1 / (2 * LAYERS)) / CHANNELS)


def norm_parameters(branches: Value, layers_per_branch: Value, channels: Value) -> sp.Expr:
    """Return the number 2 m L C of gains and biases of norms behind each layer of each branch.

    Raises
    ------
    ValueError
        If an argument is not a positive integer.
    """
    return of_norms().at({**_known(branches, layers_per_branch), CHANNELS: positive_integer("channels", channels)})


def scalar_parameters(branches: Value, layers_per_branch: Value) -> sp.Expr:
    """Return the number (2m + 1) L of Fixup's scalars in its branches; errors as in `norm_parameters`."""
    return of_scalars().at(_known(branches, layers_per_branch))


def _known(branches: Value, layers: Value) -> dict[sp.Symbol, sp.Expr]:
    return {
        BLOCKS: positive_integer("branches", branches),
        LAYERS: positive_integer("layers_per_branch", layers),
    }


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (of_norms, of_scalars, ratio)
