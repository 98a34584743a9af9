"""The probability that a ReLU net without biases is dead at initialisation: that its last state is exactly 0.

For independent weights of any continuous law symmetric about 0, at an input other than 0. Over the weights; exact at
every width n and depth l.

- P(x_l = 0) = 1 - (1 - 2^-n)^l at constant width (`constant_width`); in general 1 - prod(1 - 2^-n_l)
  (`dead_probability`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.rules import equal, recursion
from theory.symbols import DEPTH, N

ALIVE = sp.Function("A")
"""The probability that a net of l layers is not dead."""


@cache
def constant_width() -> Derivation:
    """Derive P(x_L = 0) at constant width; uneven widths have a product of the same factors."""
    survives = 1 - sp.Rational(1, 2) ** N
    return (
        Derivation.begin(
            "Probability that a ReLU net is dead",
            "If x_l is not 0, each of n pre-activations is symmetric and continuous, hence negative with probability "
            "1/2, independently; all are with probability 2^-n, and a net once dead stays dead.",
            sp.Eq(ALIVE(DEPTH + 1), ALIVE(DEPTH) * survives),
        )
        .then(
            "Solve from an input that is not 0.",
            sp.Eq(ALIVE(DEPTH), survives**DEPTH),
            recursion(DEPTH, sp.S.One),
        )
        .then("Dead is not alive.", 1 - survives**DEPTH, lambda before, now: equal(1 - before.args[1], now))
    )


def dead_probability(widths: Sequence[Value]) -> sp.Expr:
    """Return P(x_L = 0) = 1 - prod(1 - 2^-n) for layers of these widths at a fixed input other than 0. Exact.

    For independent weights of any continuous law symmetric about 0, without biases.
    """
    return 1 - sp.prod(1 - constant_width().at(n=positive_integer("widths", n), l=1) for n in widths)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (constant_width,)
