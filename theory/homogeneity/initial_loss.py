"""The softmax loss at initialisation: log c for a zero classifier, and a little more for small random logits.

For logits z ~ N(0, s^2 I) and labels independent of them, c classes. Exactly, E l - log c is half the integral over v
from 0 to s^2 of 1 - E||p||^2 at logits of variance v (the heat equation; 1 - ||p||^2 is the Laplacian of log-sum-exp).
A softmax has Lipschitz constant 1/2, so 0 <= E||p||^2 - 1/c <= (c - 1) v / 4: the quadratic law is an upper bound.

- E l = log c + s^2 (1 - 1/c) / 2 to second order in s (`quadratic`).
- It is too large by at most (c - 1) s^4 / 16 (`remainder`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive_integer
from theory.expectation import averaged
from theory.rules import leading

CLASSES = sp.Symbol("c", integer=True, positive=True)
SCALE = sp.Symbol("s", positive=True)


@cache
def quadratic() -> Derivation:
    """Derive E l to second order in the scale of the logits."""
    first, second = sp.symbols("m_1 m_2", real=True)
    return (
        Derivation.begin(
            "Loss at initialisation",
            "For z = s g the label's share has mean 0; log-sum-exp is log c plus the log of the mean of exp(s g_i), "
            "whose series to second order has the means m_1 of g_i and m_2 of g_i^2.",
            sp.log(CLASSES) + sp.log(1 + SCALE * first + SCALE**2 * second / 2),
        )
        .then(
            "Expand to second order in s.",
            sp.log(CLASSES) + SCALE * first + SCALE**2 * (second - first**2) / 2,
            leading(SCALE, 2),
        )
        .then(
            "Average: m_1 has mean 0 and variance 1/c, m_2 has mean 1.",
            sp.log(CLASSES) + SCALE**2 * (1 - 1 / CLASSES) / 2,
            averaged({first: (1, 0, 1 / CLASSES), second: (1, 1)}),
        )
    )


@cache
def remainder() -> Derivation:
    """Derive the bound on what the quadratic law leaves out."""
    v = sp.Symbol("v", positive=True)
    return Derivation.begin(
        "Remainder of the quadratic loss",
        "Half of E||p||^2 - 1/c <= (c - 1) v / 4, added up over the variance of the logits.",
        sp.Integral((CLASSES - 1) * v / 8, (v, 0, SCALE**2)),
    ).then("Integrate.", (CLASSES - 1) * SCALE**4 / 16)


def loss(classes: Value, scale: Value) -> sp.Expr:
    """Return log c + s^2 (1 - 1/c) / 2, the mean softmax loss of N(0, s^2) logits to second order; at s = 0 exact.

    The mean loss is below it by at most `loss_remainder`.
    """
    return quadratic().at(c=positive_integer("classes", classes), s=nonnegative("scale", scale))


def loss_remainder(classes: Value, scale: Value) -> sp.Expr:
    """Return the bound (c - 1) s^4 / 16 on how far the mean loss is below `loss`."""
    return remainder().at(c=positive_integer("classes", classes), s=nonnegative("scale", scale))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (quadratic, remainder)
