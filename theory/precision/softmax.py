"""Softmax of logits that are too large for a format: where it overflows, and where its gradient is exactly 0.

Logits are independent and normal with deviation s. A format has p significant bits and exponents up to E
(`theory.precision.formats`). Exact, but for the rounding of the exponential, which moves thresholds by about 2^-p.

- exp z is infinite from log((2 - 2^-p) 2^E) on (`overflow`), 88.72 in float32; a logit is as large with probability
  erfc(z / (s sqrt 2)) / 2 (`beyond`).
- With the largest logit subtracted, 1 + exp(-g) is 1 from g = p log 2 on (`saturation`), 16.64 in float32: then the
  prediction is exactly 1. Of two classes the label's logit leads by as much with probability erfc(g / (2 s)) / 2
  (`exactly_right`), and its gradient is exactly 0.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive, positive_integer
from theory.expectation import gaussian
from theory.precision import formats
from theory.precision.formats import BITS, TOP, Format
from theory.rules import solving, substituting
from theory.symbols import T

LOGIT, LEAD = sp.symbols("z g", real=True)
DEVIATION = sp.Symbol("s", positive=True)


@cache
def overflow() -> Derivation:
    """Derive the logit from which on the exponential is infinite."""
    threshold = formats.overflow().result
    return Derivation.begin(
        "Overflow of an exponential", "From here on a number is rounded to infinity.", sp.Eq(sp.exp(LOGIT), threshold)
    ).then("Solve for the logit.", sp.Eq(LOGIT, sp.log(threshold)), solving(LOGIT))


@cache
def beyond() -> Derivation:
    """Derive the probability that a logit is beyond a threshold."""
    return Derivation.begin(
        "Share of large logits", "Integrate the density beyond the threshold.", gaussian(1, T, LOGIT / DEVIATION)
    ).then("That is the error function's complement.", sp.erfc(LOGIT / (DEVIATION * sp.sqrt(2))) / 2)


@cache
def saturation() -> Derivation:
    """Derive the lead from which on the sum of the two exponentials is exactly 1."""
    spacing = sp.Symbol("d", positive=True)
    return (
        Derivation.begin(
            "Saturation of the softmax",
            "1 + exp(-g) is rounded to 1, which is even, up to half the spacing above 1.",
            sp.Eq(sp.exp(-LEAD), spacing / 2),
        )
        .then(
            "The last of p bits is 2^(1-p).", sp.Eq(sp.exp(-LEAD), 2**-BITS), substituting({spacing: 2 ** (1 - BITS)})
        )
        .then("Solve for the lead.", sp.Eq(LEAD, BITS * sp.log(2)), solving(LEAD))
    )


@cache
def exactly_right() -> Derivation:
    """Derive the probability that the label's logit leads that of the other class by g or more."""
    other = DEVIATION * sp.sqrt(2)
    return Derivation.begin(
        "Share of exact predictions",
        "The lead is a difference of two independent logits.",
        beyond().result.subs(LOGIT, LEAD),
    ).then("Its variance is 2 s^2.", sp.erfc(LEAD / (2 * DEVIATION)) / 2, substituting({DEVIATION: other}))


def logit_of_overflow(number_format: Format) -> sp.Expr:
    """Return the logit from which on exp is infinite. Exact."""
    return overflow().at({BITS: number_format.bits, TOP: number_format.top})


def lead_of_saturation(number_format: Format) -> sp.Expr:
    """Return the lead from which on a prediction of two classes is exactly 1. Exact."""
    return saturation().at({BITS: number_format.bits})


def share_of_overflow(deviation: Value, number_format: Format, classes: Value = 1) -> sp.Expr:
    """Return the probability that the exponential of one of `classes` logits or more is infinite. Exact."""
    at = {LOGIT: logit_of_overflow(number_format), DEVIATION: positive("deviation", deviation)}
    return 1 - (1 - beyond().at(at)) ** positive_integer("classes", classes)


def share_without_gradient(deviation: Value, number_format: Format) -> sp.Expr:
    """Return the probability that the gradient of the label's logit is exactly 0, of two classes. Exact."""
    at = {LEAD: lead_of_saturation(number_format), DEVIATION: positive("deviation", deviation)}
    return exactly_right().at(at)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (overflow, beyond, saturation, exactly_right)
