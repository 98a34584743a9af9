r"""Logits of a Transformer whose last layer is its embedding, at a start where no branch says anything.

The table E has entries N(0, 1/d); a token's stream is x = sqrt d E_t + p, p its sinusoids with ||p||^2 = d/2, and the
logit of token u is E_u x. Exact at every width d, over the table.

- The token's own logit has the mean sqrt d (`own_mean`) and the variance 2 + 1/2 (`own_variance`), with a fourth
  central moment of 3 (5/2)^2 + 72/d (`own_fourth`); the logits of the others have mean 0 and variance 3/2
  (`other_square`). So the net predicts its input: at d = 64 by 8, about 4 deviations of the difference.
- Without positions 1/2 is missing from both variances.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.rules import substituting
from theory.symbols import N
from theory.transformer.positions import sinusoid_square
from theory.written_out import WrittenOut, at_sizes, matrix, normal

OWN, OTHER, POSITION = sp.symbols(r"z_t z_u \|p\|^2", real=True)
HALF = {POSITION: sinusoid_square().result}


def written(width: int) -> WrittenOut:
    """Write out a token's own logit and that of another token."""
    own, of_own = matrix("e", 1, width, normal(sp.Rational(1, width)))
    other, of_other = matrix("u", 1, width, normal(sp.Rational(1, width)))
    fixed = sp.Matrix(1, width, sp.symbols(f"p_1:{width + 1}", real=True))
    stream = sp.sqrt(width) * own + fixed
    stands_for = {
        OWN: sp.expand(own.dot(stream)), OTHER: sp.expand(other.dot(stream)), POSITION: fixed.dot(fixed),
        N: sp.Integer(width),
    }  # fmt: skip
    return WrittenOut(stands_for, [*of_own, *of_other])


@cache
def own_mean() -> Derivation:
    """Derive the mean of a token's own logit."""
    return Derivation.begin("Own logit of a tied readout", "E_t (sqrt d E_t + p).", OWN).then(
        "Average over the table: ||E_t||^2 is 1 in mean.", sp.sqrt(N), at_sizes(written, (1,), (2,), (3,))
    )


@cache
def own_variance() -> Derivation:
    """Derive the variance of a token's own logit."""
    return (
        Derivation.begin("Variance of the own logit", "The square, less that of the mean.", OWN**2 - N)
        .then(
            "Average: d times the variance 2/d of ||E_t||^2, and ||p||^2 / d.",
            2 + POSITION / N,
            at_sizes(written, (1,), (2,), (3,)),
        )
        .then("The sinusoids have d/2.", sp.Rational(5, 2), substituting(HALF))
    )


@cache
def own_fourth() -> Derivation:
    """Derive the fourth central moment of a token's own logit."""
    return (
        Derivation.begin("Fourth moment of the own logit", "The fourth power of its distance.", (OWN - sp.sqrt(N)) ** 4)
        .then(
            "Average by Wick's theorem.",
            3 * (2 + POSITION / N) ** 2 + 48 * (1 + POSITION / N) / N,
            at_sizes(written, (1,), (2,)),
        )
        .then("The sinusoids have d/2.", sp.Rational(75, 4) + 72 / N, substituting(HALF))
    )


@cache
def other_square() -> Derivation:
    """Derive the mean square of the logit of another token, whose mean is 0."""
    return (
        Derivation.begin("Other logits of a tied readout", "The square of E_u (sqrt d E_t + p).", OTHER**2)
        .then("Average over both rows.", 1 + POSITION / N, at_sizes(written, (1,), (2,), (3,)))
        .then("The sinusoids have d/2.", sp.Rational(3, 2), substituting(HALF))
    )


def own_logit(width: Value) -> sp.Expr:
    """Return the mean sqrt(width) of a token's own logit."""
    return own_mean().at(n=positive_integer("width", width))


def own_spread() -> sp.Expr:
    """Return the variance of a token's own logit."""
    return own_variance().result


def own_fourth_moment(width: Value) -> sp.Expr:
    """Return the fourth central moment of a token's own logit."""
    return own_fourth().at(n=positive_integer("width", width))


def other_spread() -> sp.Expr:
    """Return the mean square of any other token's logit, whose mean is 0."""
    return other_square().result


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (own_mean, own_variance, own_fourth, other_square)
