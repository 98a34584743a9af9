"""Logarithms of products as running sums in a format: L doublings are a sum of L ones in base 2.

A format of p significant bits (see `theory.precision.formats`), rounded to nearest and halfway to the even last bit.

- From 2^p on, neighbouring numbers differ by 2 (`spacing`): every whole number up to 2^p is one of the format.
- 2^p + 1 lies halfway between 2^p and the next (`stall`) and is rounded to 2^p, which is even: the sum stands still.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation
from theory.precision.formats import BITS, Format
from theory.rules import solving, substituting

SUM = sp.Symbol("s", positive=True)


@cache
def spacing() -> Derivation:
    """Derive the distance of neighbouring numbers from 2^p on."""
    exponent = sp.Symbol("e", integer=True)
    return Derivation.begin(
        "Spacing of whole numbers", "The last of p bits at the exponent e.", 2 ** (exponent - (BITS - 1))
    ).then("At the exponent p.", sp.Integer(2), substituting({exponent: BITS}))


@cache
def stall() -> Derivation:
    """Derive the sum at which another 1 is lost: first half a step, at the start of a power of two."""
    step = 2 ** (sp.log(SUM, 2) - (BITS - 1))
    return Derivation.begin(
        "Where a sum of ones stands still",
        "At a power of two, 1 is half the distance to the next number, and what lies halfway goes to the even one.",
        sp.Eq(step / 2, 1),
    ).then("Solve.", sp.Eq(SUM, 2**BITS), solving(SUM))


def most_doublings(number_format: Format) -> sp.Expr:
    """Return the number of doublings up to which their running sum in base 2 is exact, and at which it ends. Exact."""
    return stall().at({BITS: number_format.bits})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (spacing, stall)
