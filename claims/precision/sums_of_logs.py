"""How far sums of logarithms go where products have long left a format."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.precision.formats import FORMATS, IEEE
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations.numbers.formats import STORES
from theory.precision import formats, sums_of_logs
from theory.precision.formats import BFLOAT16, FLOAT32, Format

DRAWS = 100


def _largest(number_format: Format) -> sp.Expr:
    return formats.largest().at({formats.BITS: number_format.bits, formats.TOP: number_format.top})


@claim(
    "D2",
    paper=IEEE,
    where="section 4.3 for rounding; the sums derived here",
    states=r"\log_2 2^L=\underbrace{1+1+\dots+1}_{L}\text{ exactly for }L\le2^p,\text{ and }2^p\text{ from there on}",
    derivation=[*sums_of_logs.DERIVATIONS, formats.largest],
    mutants=[
        mutant(
            "up to the largest number",
            "A sum of small terms stops growing long before it overflows.",
            most=_largest,
        ),
        mutant(
            "no further than the product",
            "The product is infinite from layer 16 in float16; its logarithm goes on.",
            most=lambda f: formats.depth_of_overflow(2, f),
        ),
        mutant(
            "the stored bits alone",
            "The leading bit is not stored, but it counts.",
            most=lambda f: sums_of_logs.most_doublings(f) / 2,
        ),
        mutant(
            "bfloat16 as float32",
            "It has the range and not the digits; of a sum of logarithms the digits matter.",
            most=lambda f: sums_of_logs.most_doublings(FLOAT32 if f is BFLOAT16 else f),
        ),
        mutant(
            "natural logarithms",
            "The simulated sum adds log 2, which no format holds, and rounds in nearly every step.",
            doubling=float(np.log(2)),
        ),
        mutant("layers of four", "The simulated layers multiply by 4, and two more is no halfway case.", doubling=2.0),
    ],
)
def sums_of_logs_stand_still(
    run: Run, *, most: Callable[[Format], sp.Expr] = sums_of_logs.most_doublings, doubling: float = 1.0
) -> Finding:
    """Logarithms of 2^L in base 2 add up exactly to 2,048 layers in float16, 256 in bfloat16, 2^24 in float32.

    There a running sum stands still: the next 1 is rounded away. Exact; nothing is averaged. Sums of random sizes and
    those next to the end are taken one layer further.
    """
    findings = []
    for kind in FORMATS:
        store, end = STORES[kind.name], 2**kind.bits
        layers = np.append(run.rng("layers", kind.name).integers(0, end, DRAWS), [0, end - 1, end]).astype(float)
        after = store(store(layers * doubling) + store(np.array(doubling)))
        claimed = np.minimum(layers + 1, float(most(kind)))
        findings.append(identity(after, claimed, rounding=0.0, chance=False))
    return all_of(findings)
