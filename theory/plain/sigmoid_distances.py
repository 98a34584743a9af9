"""How a deep sigmoid net of old-style weights makes all inputs alike: by 48 in mean square, layer by layer.

Two inputs, of which delta is the difference of the activations and Delta that of the pre-activations; weights
uniform within 1/sqrt(n), n the fan-in, and any biases. Over the weights of one layer; exact at every width.

- A unit's Delta has mean square D/3, D the mean square of delta below (`weights`).
- A sigmoid's slope is 1/4 at 0 and less elsewhere (`slope`), so D is at most 1/16 of the mean square of Delta there:
  from pre-activation to pre-activation at most 1/48 is left (`layer`), nearly that while units are near 0.
- Weights of variance 1/n would leave 1/16, and tanh, of slope 1 at 0, 1/3.

Source: Glorot and Bengio 2010, section 3.1, show it; the bound is derived here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.expectation import averaged
from theory.rules import at_most, dropping, substituting
from theory.symbols import N

ENTRIES = sp.symbols("w_1 w_2", real=True)
DIFFERENCES = sp.symbols("delta_1 delta_2", real=True)
LARGEST, SQUARE, SLACK = sp.symbols("a Delta^2 y", positive=True)
"""Of weights between -a and a; of a pre-activation's difference; slopes are 1 / (4 (1 + y))."""
FALLING = sp.Symbol("x", positive=True)


@cache
def weights() -> Derivation:
    """Derive the mean square of the difference of a pre-activation, for two inputs of a layer; more add like terms."""
    square = sum(w * one for w, one in zip(ENTRIES, DIFFERENCES, strict=True)) ** 2
    total = sum(one**2 for one in DIFFERENCES)
    moments = (1, 0, LARGEST**2 / 3, 0, LARGEST**4 / 5)
    return (
        Derivation.begin("Difference of a pre-activation", "Weighted differences, squared.", square)
        .then(
            "Average over weights uniform between -a and a.",
            LARGEST**2 * total / 3,
            averaged(dict.fromkeys(ENTRIES, moments)),
        )
        .then("a = 1/sqrt(n) makes it a third of the mean.", total / (3 * N), substituting({LARGEST: 1 / sp.sqrt(N)}))
    )


@cache
def slope() -> Derivation:
    """Derive the slope of the sigmoid."""
    sigmoid = 1 / (1 + FALLING)
    return Derivation.begin(
        "Slope of the sigmoid",
        "With x = exp(-z), which has the slope -x, sigma is 1 / (1 + x).",
        -FALLING * sp.diff(sigmoid, FALLING),
    ).then(
        "In terms of the distance from 1/2: it is 1/4 there, and less elsewhere.",
        (1 - (2 * sigmoid - 1) ** 2) / 4,
    )


@cache
def layer() -> Derivation:
    """Derive what is left of a mean square difference from pre-activation to pre-activation."""
    left = SQUARE / (4 * (1 + SLACK)) ** 2 / 3
    return Derivation.begin(
        "Distance of two inputs in a sigmoid net",
        "A third of the squared difference of an activation, the slope somewhere between times that of its "
        "pre-activation; any slope is 1 / (4 (1 + y)).",
        left,
    ).then(
        "The largest slope.",
        at_most(left, SQUARE / 48),
        dropping(-SQUARE * SLACK * (SLACK + 2) / (48 * (1 + SLACK) ** 2)),
    )


def of_a_layer(fan_in: Value) -> sp.Expr:
    """Return E Delta^2 of a unit over the sum of the squared differences below: 1 / (3 fan_in). Exact."""
    n = positive_integer("fan_in", fan_in)
    return weights().at({N: n, DIFFERENCES[0]: 1, DIFFERENCES[1]: 0})


def kept_by_sigmoids() -> sp.Expr:
    """Return the largest share of a squared difference that a sigmoid keeps: the squared slope at 0. Exact."""
    return slope().at(x=1) ** 2


def kept_by_a_layer() -> sp.Expr:
    """Return the largest share of the mean square distance of pre-activations that a layer keeps in the mean: 1/48."""
    return layer().at({SQUARE: 1})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (weights, slope, layer)
