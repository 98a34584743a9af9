"""He's first layer, which no ReLU comes before: what its variance does to the whole net.

Mean squares of pre-activations z_l per unit, in units of that of the input: the first layer has q_1 = n_0 sigma_1^2
(`first`), and He's 2 / n keeps it through every later one (`later`). So n_0 sigma_1^2 = 1 keeps the mean square of the
input, and 2 / n_0 doubles it once, at every depth alike. Over symmetric weights at a fixed input; exact at every width.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive_integer
from theory.layer import one_layer, rectifiers
from theory.plain.glorot import FAN_IN, Q
from theory.rules import equal, recursion, substituting
from theory.symbols import DEPTH, SQUARE_NORM, VARIANCE, N

START = sp.Symbol("q_1", nonnegative=True)


@cache
def first() -> Derivation:
    """Derive the mean square of a pre-activation of the first layer, in units of that of an input."""
    whole = one_layer.linear_layer().at({SQUARE_NORM: FAN_IN * Q}, n=N)
    return Derivation.begin(
        "Pre-activations of the first layer", "The square norm of W x, for n_in inputs of mean square q.", whole
    ).then("A unit's share, in units of q.", FAN_IN * VARIANCE, lambda before, now: equal(before / (N * Q), now))


@cache
def later() -> Derivation:
    """Derive the mean square of the pre-activations of all later layers."""
    q = sp.Function("q")
    return (
        Derivation.begin(
            "Pre-activations of the later layers",
            "A ReLU keeps a share of the mean square of symmetric pre-activations, and n of them add up.",
            sp.Eq(q(DEPTH + 1), N * VARIANCE * q(DEPTH) / rectifiers.leaky_gain(0) ** 2),
        )
        .then("Put in He's variance.", sp.Eq(q(DEPTH + 1), q(DEPTH)), substituting({VARIANCE: 2 / N}))
        .then("All have that of the first.", sp.Eq(q(DEPTH), START), recursion(DEPTH, START))
    )


def pre_activation(inputs: Value, variance: Value, layer: Value) -> sp.Expr:
    """Return E z_l^2 over the mean square of the input, l = `layer` from 1: He's variance but for the first. Exact."""
    values = {FAN_IN: positive_integer("inputs", inputs), VARIANCE: nonnegative("variance", variance)}
    positive_integer("layer", layer)
    return later().at({START: first().at(values)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (first, later)
