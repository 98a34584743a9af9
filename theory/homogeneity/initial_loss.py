"""The softmax loss at initialisation: log c for a zero classifier, and a little more for small random logits.

For logits z ~ N(0, s^2 I) and labels independent of them, c classes. Exactly, E l - log c is half the integral over v
from 0 to s^2 of 1 - E||p||^2 at logits of variance v (the heat equation; 1 - ||p||^2 is the Laplacian of log-sum-exp).
A softmax has Lipschitz constant 1/2, so 0 <= E||p||^2 - 1/c <= (c - 1) v / 4: the quadratic law is an upper bound.

- E l = log c + s^2 (1 - 1/c) / 2 to second order in s (`quadratic`).
- It is too large by at most (c - 1) s^4 / 16 (`remainder`), the share c s^2 / 8 of the rise. `loss` takes c s^2 up to
  1, for any other scale see `theory.homogeneity.gaussian_logits.expected_loss`: at s = sqrt 768 and c = 32,128 the law
  says 394, and the mean is 114.6.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive_integer
from theory.rules import at_most, cited, leading, termwise
from theory.written_out import WrittenOut, at_sizes, normal

CLASSES = sp.Symbol("c", integer=True, positive=True)
SCALE = sp.Symbol("s", positive=True)
FIRST, SECOND = sp.symbols("m_1 m_2", real=True)
"""Means of g_i and of g_i^2 over the classes."""
FROM_MEAN, VARIANCE = sp.Symbol(r"\|z-\bar z\|^2", nonnegative=True), sp.Symbol("v", positive=True)


@cache
def quadratic() -> Derivation:
    """Derive E l to second order in the scale of the logits."""
    return (
        Derivation.begin(
            "Loss at initialisation",
            "For z = s g the label's share has mean 0; log-sum-exp is log c plus the log of the mean of exp(s g_i), "
            "whose series to second order has the means m_1 of g_i and m_2 of g_i^2.",
            sp.log(CLASSES) + sp.log(1 + SCALE * FIRST + SCALE**2 * SECOND / 2),
        )
        .then(
            "Expand to second order in s.",
            sp.log(CLASSES) + SCALE * FIRST + SCALE**2 * (SECOND - FIRST**2) / 2,
            leading(SCALE, 2),
        )
        .then(
            "Average over the logits, m_1 and m_2 being means over the classes.",
            sp.log(CLASSES) + SCALE**2 * (1 - 1 / CLASSES) / 2,
            at_sizes(_logits, (1,), (2,), (3,), (4,)),
        )
    )


def _logits(classes: int) -> WrittenOut:
    """Write out standard normal g_i and, of variance v, logits z_i = sqrt(v) g_i."""
    g = sp.symbols(f"g_1:{classes + 1}", real=True)
    first, second = sp.Add(*g) / classes, sp.Add(*(one**2 for one in g)) / classes
    stands_for = {
        FIRST: first,
        SECOND: second,
        CLASSES: sp.Integer(classes),
        FROM_MEAN: VARIANCE * sum((one - first) ** 2 for one in g),
    }
    return WrittenOut(stands_for, [normal(sp.S.One)(one) for one in g])


@cache
def remainder() -> Derivation:
    """Derive the bound on what the quadratic law leaves out."""
    excess = sp.Symbol(r"\|p\|^2-1/c", nonnegative=True)
    return (
        Derivation.begin(
            "Remainder of the quadratic loss",
            "1 - E||p||^2 exceeds 1 - 1/c by no more than this, which is ||p - 1/c||^2.",
            excess,
        )
        .then(
            "p = 1/c where all logits are equal, and p moves at most half as far as the logits do.",
            at_most(excess, FROM_MEAN / 4),
            cited("a softmax has Lipschitz constant 1/2"),
        )
        .then(
            "Average over logits of variance v.",
            (CLASSES - 1) * VARIANCE / 4,
            lambda before, now: at_sizes(_logits, (1,), (2,), (3,), (4,))(before.rhs, now),
        )
        .then(
            "Half of it, added up over the variances from 0 to s^2.",
            sp.Integral((CLASSES - 1) * VARIANCE / 8, (VARIANCE, 0, SCALE**2)),
            lambda before, now: termwise()(sp.Integral(before / 2, (VARIANCE, 0, SCALE**2)), now),
        )
        .then("Integrate.", (CLASSES - 1) * SCALE**4 / 16)
    )


def loss(classes: Value, scale: Value) -> sp.Expr:
    """Return log c + s^2 (1 - 1/c) / 2, the mean softmax loss of N(0, s^2) logits to second order; at s = 0 exact.

    The mean loss is below it by at most `loss_remainder`, an eighth of the rise above log c at the end of the range.

    Raises
    ------
    ValueError
        If classes * scale^2 is above 1.
    """
    count, deviation = positive_integer("classes", classes), nonnegative("scale", scale)
    if (count * deviation**2 - 1).is_positive:
        raise ValueError(
            f"classes {classes}, scale {scale}: the quadratic law is for classes * scale^2 up to 1; "
            "gaussian_logits.expected_loss integrates the mean loss at any scale"
        )
    return quadratic().at(c=count, s=deviation)


def loss_remainder(classes: Value, scale: Value) -> sp.Expr:
    """Return the bound (c - 1) s^4 / 16 on how far the mean loss is below `loss`."""
    return remainder().at(c=positive_integer("classes", classes), s=nonnegative("scale", scale))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (quadratic, remainder)
