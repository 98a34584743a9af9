"""Batch normalisation of one feature z_i over a batch: (z_i - mean) / sqrt(var + epsilon), then times gamma, plus beta.

Written out for a batch of three; more examples add like terms. Exact, at every epsilon; nothing is averaged.

- A bias b below it is subtracted with the mean (`shift`), so its gradient is 0, whatever the loss (`bias_gradient`).
- gamma = sqrt(var + epsilon) and beta = mean give z_i back (`restored`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, real
from theory.rules import differentiated, substituting

FEATURES = sp.symbols("z_1:4", real=True)
BIAS, GAIN, SHIFT = sp.symbols("b gamma beta", real=True)
EPSILON = sp.Symbol("epsilon", positive=True)
MEAN, VARIANCE = sp.Symbol("mu", real=True), sp.Symbol("v", nonnegative=True)


def _normalised(batch: tuple[sp.Expr, ...]) -> tuple[sp.Expr, ...]:
    """Return the normalised features of a batch."""
    mean = sum(batch, sp.S.Zero) / len(batch)
    variance = sum(((one - mean) ** 2 for one in batch), sp.S.Zero) / len(batch)
    return tuple((one - mean) / sp.sqrt(variance + EPSILON) for one in batch)


@cache
def shift() -> Derivation:
    """Derive that a bias below a batch norm leaves its output alone."""
    return Derivation.begin(
        "A bias below a batch norm",
        "A normalised feature of a batch with a bias.",
        _normalised(tuple(one + BIAS for one in FEATURES))[0],
    ).then("The mean contains the bias, the variance does not.", _normalised(FEATURES)[0])


@cache
def bias_gradient() -> Derivation:
    """Derive the gradient of a bias below a batch norm, for two examples; more add like terms."""
    v, w = FEATURES[:2]
    loss = sp.Function("f")
    along = sp.Derivative(loss(v, w), v) + sp.Derivative(loss(v, w), w)
    return Derivation.begin(
        "Gradient of a bias below a batch norm",
        "The bias moves no output, so no loss.",
        sp.Eq(loss(v + BIAS, w + BIAS), loss(v, w)),
    ).then(
        "Differentiate in b at 0: the gradients of the features add up to 0, and their sum is that of the bias.",
        sp.Eq(along, 0),
        differentiated(BIAS, sp.S.Zero),
    )


@cache
def restored() -> Derivation:
    """Derive the gain and the shift that give a feature back."""
    z = FEATURES[0]
    return (
        Derivation.begin(
            "What gain and shift restore",
            "Normalise with the mean mu and the variance v, multiply by the gain and add the shift.",
            GAIN * (z - MEAN) / sp.sqrt(VARIANCE + EPSILON) + SHIFT,
        )
        .then(
            "Take the square root of v + epsilon for the gain, and the mean for the shift.",
            sp.sqrt(VARIANCE + EPSILON) * (z - MEAN) / sp.sqrt(VARIANCE + EPSILON) + MEAN,
            substituting({GAIN: restoring_gain(VARIANCE, EPSILON), SHIFT: MEAN}),
        )
        .then("The feature itself.", z)
    )


def output_shift(bias: Value) -> sp.Expr:
    """Return by how much a `bias` below a batch norm moves its output: 0. Exact."""
    return sp.diff(shift().result, BIAS) * real("bias", bias)


def gradient_of_bias(gradient_above: Value) -> sp.Expr:
    """Return the gradient of a bias below a batch norm, given that of a bias above it: 0. Exact."""
    return bias_gradient().result * real("gradient_above", gradient_above)


def restoring_gain(variance: Value, epsilon: Value) -> sp.Expr:
    """Return the gain with which a batch norm gives its input back, if its shift is the mean. Exact."""
    return sp.sqrt(nonnegative("variance", variance) + nonnegative("epsilon", epsilon))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (shift, bias_gradient, restored)
