"""Hidden units that start alike: what one gradient step does to the difference between two of them.

Two units feed z = a_1 phi(w_1 x) + a_2 phi(w_2 x); eta is the learning rate, l' the slope of the loss in z, d that of
phi at units that are alike. Exact; nothing is averaged.

- From w_1 = w_2 a step parts them by -eta l' x d (a_1 - a_2): not at all if a_1 = a_2, whatever the data (`gap`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive, real
from theory.rules import substituting
from theory.symbols import LOSS_SLOPE, RATE, X

U, V, A, B = sp.symbols("w_1 w_2 a_1 a_2", real=True)
"""Incoming and outgoing weights of two hidden units."""

UNIT_SLOPE = sp.Symbol("d", real=True)
"""The slope of the activation, of units that are alike."""


@cache
def gap() -> Derivation:
    """Derive the difference between the incoming weights of two units after a step."""
    phi = sp.Function("phi")
    first_slope, second_slope = (a * sp.Derivative(phi(w * X), w) for a, w in ((A, U), (B, V)))
    first, second = sp.symbols("d_1 d_2", real=True)
    slopes = {sp.Derivative(phi(w * X), w): X * d for w, d in ((U, first), (V, second))}
    return (
        Derivation.begin(
            "Difference of two hidden units after a step",
            "Both units feed z = a_1 phi(w_1 x) + a_2 phi(w_2 x); a weight moves by -eta l' times dz/dw.",
            (U - RATE * LOSS_SLOPE * first_slope) - (V - RATE * LOSS_SLOPE * second_slope),
        )
        .then(
            "Differentiate; d_i is the slope of the activation of unit i, and x the input to both.",
            U - V - RATE * LOSS_SLOPE * X * (A * first - B * second),
            substituting(slopes),
        )
        .then(
            "Units with one incoming weight have one slope, and differ afterwards only by their outgoing weights.",
            -RATE * LOSS_SLOPE * X * UNIT_SLOPE * (A - B),
            substituting({V: U, first: UNIT_SLOPE, second: UNIT_SLOPE}),
        )
        .then("With equal outgoing weights they stay alike, whatever the data.", sp.S.Zero, substituting({B: A}))
    )


def incoming_gap(rate: Value, slope: Value, x: Value, active: Value, outgoing_gap: Value) -> sp.Expr:
    """Return w_1 - w_2 after a step from w_1 = w_2, for units whose outgoing weights differ by `outgoing_gap`. Exact.

    `slope` is l', `active` the slope of the activation, `x` the input feature.
    """
    statement = gap().steps[-2].statement
    values = {
        RATE: positive("rate", rate),
        LOSS_SLOPE: real("slope", slope),
        X: real("x", x),
        UNIT_SLOPE: real("active", active),
    }
    return statement.subs({**values, A: B + real("outgoing_gap", outgoing_gap)}).expand()


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (gap,)
