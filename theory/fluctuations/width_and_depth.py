"""How wide a plain ReLU net must be for its depth L: what becomes of (1 + 5/n)^L at the widths n = c L and c sqrt L.

That is E||x_L||^4 / (E||x_L||^2)^2 over Gaussian He weights, exact at every width (`theory.fluctuations.norms`); here
its limits in depth.

- n = c L: it tends to exp(5/c) and stays bounded (`proportional`).
- n = c sqrt L: its logarithm over sqrt L tends to 5/c, so it grows without bound (`square_root`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive, positive_integer
from theory.fluctuations import norms as fluctuations
from theory.rules import equal, limit, substituting
from theory.symbols import BLOCKS, N

RATIO = sp.Symbol("c", positive=True)
"""Width over depth, or over its square root."""


@cache
def proportional() -> Derivation:
    """Derive the limit of the relative second moment when the width is c times the depth."""
    return _at_width("Width in proportion to depth", RATIO * BLOCKS).then(
        "Let the depth grow: there is a limit, so the fluctuations stay bounded.",
        sp.exp(5 / RATIO),
        limit(BLOCKS, sp.oo),
    )


@cache
def square_root() -> Derivation:
    """Derive how the relative second moment grows when the width is c times the square root of the depth."""
    return (
        _at_width("Width like the square root of depth", RATIO * sp.sqrt(BLOCKS))
        .then(
            "Take the logarithm and divide by the square root of the depth.",
            sp.sqrt(BLOCKS) * sp.log(1 + 5 / (RATIO * sp.sqrt(BLOCKS))),
            lambda before, now: equal(sp.expand_log(sp.log(before), force=True) / sp.sqrt(BLOCKS), now),
        )
        .then("Let the depth grow: the logarithm itself diverges, like 5 sqrt(L) / c.", 5 / RATIO, limit(BLOCKS, sp.oo))
    )


def _at_width(title: str, width: sp.Expr) -> Derivation:
    return Derivation.begin(
        title, "The factors of L layers of one width multiply.", fluctuations.ratio_moment(2).result ** BLOCKS
    ).then("Put in the width.", (1 + 5 / width) ** BLOCKS, substituting({N: width}))


def fourth_moment_limit(width_per_layer: Value) -> sp.Expr:
    """Return exp(5/c), to which E||x_L||^4 / (E||x_L||^2)^2 tends at width c L. Asymptotic; below it at every depth."""
    return proportional().at(c=positive("width_per_layer", width_per_layer))


def fourth_moment(width: Value, layers: Value) -> sp.Expr:
    """Return (1 + 5/width)^layers, E||x_L||^4 / (E||x_L||^2)^2 of a Gaussian He ReLU net. Exact."""
    layers = positive_integer("layers", layers)
    return fluctuations.relu_ratio_moment(2, width) ** layers


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (proportional, square_root)
