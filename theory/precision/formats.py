"""Binary number formats, and the depth at which a power g^L leaves them.

A format has p significant bits, the leading one included, and exponents from 1 - E to E: (11, 15) is float16, (8, 127)
bfloat16, (24, 127) float32. Numbers are rounded to the nearest, halfway to the one whose last bit is 0. Exact.

- The largest number is (2 - 2^(1-p)) 2^E (`largest`); from (2 - 2^-p) 2^E on, numbers become infinite (`overflow`).
- The smallest normal number is 2^(1-E); below it 2^(p-1) equal steps lead to 0 (`smallest`), and what is at most
  half of one, 2^(1-E-p), becomes 0 (`vanishing`).
- g^L is at a threshold t at L = log t / log g (`depth`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive
from theory.rules import solving

BITS, TOP = sp.symbols("p E", integer=True, positive=True)
"""Significant bits, and the largest exponent."""
POWER, THRESHOLD, REAL_DEPTH = sp.symbols("g t l", positive=True)


@dataclass(frozen=True)
class Format:
    """A binary format: its significant bits, the leading one included, and its largest exponent."""

    name: str
    bits: int
    top: int


FLOAT16, BFLOAT16, FLOAT32 = Format("float16", 11, 15), Format("bfloat16", 8, 127), Format("float32", 24, 127)


@cache
def largest() -> Derivation:
    """Derive the largest number of a format."""
    i = sp.Symbol("i", integer=True)
    return Derivation.begin(
        "Largest number", "All bits are 1, at the largest exponent.", sp.Sum(2 ** (TOP - i), (i, 0, BITS - 1))
    ).then("A geometric sum.", (2 - 2 ** (1 - BITS)) * 2**TOP)


@cache
def overflow() -> Derivation:
    """Derive from where on numbers are rounded to infinity."""
    return Derivation.begin(
        "Overflow",
        "Halfway between the largest number and the power of two that would be next, which has the even last bit.",
        (largest().result + 2 ** (TOP + 1)) / 2,
    ).then("Collect.", (2 - 2**-BITS) * 2**TOP)


@cache
def smallest() -> Derivation:
    """Derive the smallest subnormal number of a format."""
    return Derivation.begin(
        "Smallest number",
        "The smallest normal number, 2^(1-E), lies 2^(p-1) equal steps above 0.",
        2 ** (1 - TOP) / 2 ** (BITS - 1),
    ).then("Collect.", 2 ** (2 - TOP - BITS))


@cache
def vanishing() -> Derivation:
    """Derive up to where numbers are rounded to 0."""
    return Derivation.begin(
        "Underflow", "Halfway between 0, which is even, and the smallest number.", smallest().result / 2
    ).then("Collect.", 2 ** (1 - TOP - BITS))


@cache
def depth() -> Derivation:
    """Derive where a power reaches a threshold."""
    return Derivation.begin(
        "Depth of a threshold", "L factors g make the threshold.", sp.Eq(POWER**REAL_DEPTH, THRESHOLD)
    ).then("Solve.", sp.Eq(REAL_DEPTH, sp.log(THRESHOLD) / sp.log(POWER)), solving(REAL_DEPTH))


def depth_of_overflow(factor: Value, number_format: Format) -> sp.Expr:
    """Return the first L at which factor^L is rounded to infinity, for a factor above 1. Exact."""
    return sp.ceiling(_depth(overflow(), _above_one(factor), number_format))


def depth_of_vanishing(factor: Value, number_format: Format) -> sp.Expr:
    """Return the first L at which factor^-L is rounded to 0, for a factor above 1. Exact."""
    return sp.ceiling(_depth(vanishing(), 1 / _above_one(factor), number_format))


def depth_of_subnormals(factor: Value, number_format: Format) -> sp.Expr:
    """Return the first L at which factor^-L is below the smallest normal number, for a factor above 1. Exact."""
    threshold = sp.Integer(2) ** (1 - number_format.top)
    return sp.floor(depth().at({THRESHOLD: threshold, POWER: 1 / _above_one(factor)})) + 1


def _depth(threshold: Derivation, power: sp.Expr, number_format: Format) -> sp.Expr:
    value = threshold.at({BITS: number_format.bits, TOP: number_format.top})
    return depth().at({THRESHOLD: value, POWER: power})


def _above_one(factor: Value) -> sp.Expr:
    given = positive("factor", factor)
    if (given - 1).is_nonpositive:
        raise ValueError(f"factor is {factor}; expected a number above 1")
    return given


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (largest, overflow, smallest, vanishing, depth)
