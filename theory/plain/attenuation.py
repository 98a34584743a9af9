"""Weights of one small standard deviation s in every layer: by how much gradients shrink (He et al. 2015, section 2.2).

A layer has d filters of k x k windows. Root mean squares over the weights, away from the edges of the image.

- The deviation that keeps gradients: s_He = sqrt(2 / (k^2 d)) (`he_deviation`).
- At s the root mean square of gradients shrinks by s_He / s a layer (`shrinkage`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive, positive_integer
from theory.rules import solving, substituting

K, FILTERS = (sp.Symbol(name, integer=True, positive=True) for name in ("k", "d"))
DEVIATION, HE_DEVIATION = sp.symbols("s s_{He}", positive=True)


@cache
def he_deviation() -> Derivation:
    """Derive the standard deviation that keeps gradients."""
    return Derivation.begin(
        "Standard deviation that keeps gradients",
        "A pixel enters k^2 d products, each with the variance of a weight; a ReLU passes half of them back.",
        sp.Eq(K**2 * FILTERS * HE_DEVIATION**2 / 2, 1),
    ).then("Solve for it.", sp.Eq(HE_DEVIATION, sp.sqrt(2 / (K**2 * FILTERS))), solving(HE_DEVIATION))


@cache
def shrinkage() -> Derivation:
    """Derive by how much a layer of another standard deviation shrinks the root mean square of gradients."""
    return (
        Derivation.begin(
            "Attenuation of a layer",
            "Divide the root mean square behind He's standard deviation by that behind s.",
            sp.sqrt(K**2 * FILTERS * HE_DEVIATION**2 / 2) / sp.sqrt(K**2 * FILTERS * DEVIATION**2 / 2),
        )
        .then("All but the two standard deviations cancels.", HE_DEVIATION / DEVIATION)
        .then(
            "Put in He's.",
            sp.sqrt(2 / (K**2 * FILTERS)) / DEVIATION,
            substituting({HE_DEVIATION: he_deviation().result}),
        )
    )


def attenuation(filters: Value, deviation: Value, size: Value = 3) -> sp.Expr:
    """Return by how much one layer shrinks the root mean square of gradients: 5.89 for 64 filters of deviation 0.01."""
    values = {"k": positive_integer("size", size), "d": positive_integer("filters", filters)}
    return shrinkage().at(s=positive("deviation", deviation), **values)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (he_deviation, shrinkage)
