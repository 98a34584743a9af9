"""Residual nets with tanh branches, x' = x + V tanh(W x): what a block adds to the variance.

W has variance 1/n and V has s_v^2/h; z = sqrt(q) t is a pre-activation in a stream of mean square q, t standard normal.
Over the weights of a block at a fixed input; exact at every width. A ReLU branch adds a share of the stream, which then
grows exponentially in depth; a tanh branch does not.

- A block adds s_v^2 E tanh(z)^2 (`increment`): at most s_v^2, however large the stream.
- What is missing from s_v^2 is at most s_v^2 sqrt(2 / (pi q)), and vanishes as q grows: in the end the variance grows
  linearly in depth (`shortfall`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive
from theory.expectation import gaussian
from theory.mean_field import tanh_correlation
from theory.mean_field.tanh_maps import Z
from theory.rules import DerivationError, equal, limit, opened, termwise
from theory.symbols import H, Q, T

LAST = sp.Symbol("s_v^2", positive=True)


@cache
def increment() -> Derivation:
    """Derive what a block adds to the mean square of the stream."""
    return Derivation.begin(
        "Increment of a tanh branch",
        "x.F has mean 0 over V; h terms remain, s_v^2/h times the mean square of a unit at z = sqrt(q) t.",
        gaussian(H * LAST / H * sp.tanh(Z) ** 2, T),
    ).then("The width cancels.", gaussian(LAST * sp.tanh(Z) ** 2, T), termwise())


@cache
def shortfall() -> Derivation:
    """Derive a bound on what is missing from s_v^2, and that it vanishes as the stream grows."""
    return (
        Derivation.begin(
            "Saturation of a tanh branch",
            "What is missing is at most this: the normal density is at most 1 / sqrt(2 pi).",
            sp.Integral(LAST * sp.sech(Z) ** 2 / sp.sqrt(2 * sp.pi), (T, -sp.oo, sp.oo)),
        )
        .then(
            "The integrand is the slope of s_v^2 tanh(sqrt(q) t) / sqrt(2 pi q).",
            LAST * sp.sqrt(2 / (sp.pi * Q)),
            _between_ends(LAST * sp.tanh(Z) / sp.sqrt(2 * sp.pi * Q)),
        )
        .then("In a large stream nothing is missing.", sp.S.Zero, limit(Q, sp.oo))
    )


def _between_ends(primitive: sp.Expr) -> Callable[[sp.Basic, sp.Basic], str]:
    """Take the value of an integral over the real line from its primitive, a multiple of tanh(sqrt(q) t)."""

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        integrand, (variable, *ends) = opened(before)
        if ends != [-sp.oo, sp.oo]:
            raise DerivationError(f"expected the whole line, not {ends}")
        slope = sp.diff(primitive, variable).rewrite(sp.exp)
        equal(slope, integrand.rewrite(sp.exp))
        return equal(2 * primitive.subs(sp.tanh(Z), 1), now)  # odd, and tanh is 1 in the end

    return rule


def branch_increment(variance: Value, last: Value = 1) -> float:
    """Return what a tanh branch adds to the mean square of a stream of this one. Exact at any width."""
    saturated = float(nonnegative("last", last))
    return saturated * tanh_correlation.next_length(1, float(nonnegative("variance", variance)))


def branch_square(variance: Value, width: Value, hidden: Value) -> float:
    """Return E(||F||^2 / n)^2 at s_v = 1 and Gaussian weights: (1 + 2/n) (a^2 + (E tanh^4 - a^2) / h). Exact.

    Given the hidden units it is (1 + 2/n) times the square of the mean of their squares, whose mean is a.
    """
    n, h, q = (float(positive(name, value)) for name, value in (("n", width), ("h", hidden), ("q", variance)))
    added, fourth = branch_increment(q), tanh_correlation.mean(lambda z: math.tanh(z) ** 4, q)
    return (1 + 2 / n) * (added**2 + (fourth - added**2) / h)


def largest_shortfall(variance: Value, last: Value = 1) -> sp.Expr:
    """Return s_v^2 sqrt(2 / (pi q)), by which a block adds less than s_v^2 at the most."""
    statement = shortfall().steps[1].statement
    return statement.subs({Q: positive("variance", variance), LAST: nonnegative("last", last)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (increment, shortfall)
