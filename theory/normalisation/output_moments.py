"""Mean and variance of a batch norm's output, which no change of the layers below can move.

Over the batch that the norm was computed from, written out for a batch of three; more examples add like terms. Exact,
for every feature, at every step of training; nothing is averaged over weights.

- The mean is the shift beta (`mean`), the variance gamma^2 v / (v + epsilon), v that of the input (`variance`): gamma^2
  where epsilon is small.
- So if parameters below change and the batch does not, mean and variance of each feature change by what its own gamma
  and beta do, up to epsilon: of "internal covariate shift" correlations and the shape of the law remain. Behind the
  activation not even the mean is fixed.

Source: Ioffe and Szegedy 2015, sections 2 and 3.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, real
from theory.normalisation.batch_norm import EPSILON, FEATURES, GAIN, SHIFT, VARIANCE
from theory.rules import naming

MEAN = sum(FEATURES) / sp.Integer(len(FEATURES))
SQUARES = sum((one - MEAN) ** 2 for one in FEATURES) / len(FEATURES)
"""The variance of the input over the batch."""


@cache
def mean() -> Derivation:
    """Derive the mean of the output over the batch."""
    outputs = [GAIN * (one - MEAN) / sp.sqrt(VARIANCE + EPSILON) + SHIFT for one in FEATURES]
    return Derivation.begin(
        "Mean of a batch norm's output", "Add the outputs up over a batch of three.", sum(outputs) / len(outputs)
    ).then("Deviations from the mean add up to 0.", SHIFT)


@cache
def variance() -> Derivation:
    """Derive the variance of the output over the batch."""
    deviations = [GAIN * (one - MEAN) / sp.sqrt(VARIANCE + EPSILON) for one in FEATURES]
    return Derivation.begin(
        "Variance of a batch norm's output",
        "Add up the squared deviations from its mean, the shift, over a batch of three.",
        (sum(one**2 for one in deviations) / len(deviations)).subs(VARIANCE, SQUARES),
    ).then(
        "Those of the input make its variance v.",
        GAIN**2 * VARIANCE / (VARIANCE + EPSILON),
        naming({VARIANCE: SQUARES}),
    )


def output_mean(shift: Value) -> sp.Expr:
    """Return the mean of a batch norm's output over its batch: the shift, whatever its input. Exact."""
    return mean().at({SHIFT: real("shift", shift)})


def output_variance(gain: Value, input_variance: Value, epsilon: Value) -> sp.Expr:
    """Return the variance of a batch norm's output over its batch; gain^2 but for epsilon. Exact.

    Raises
    ------
    ValueError
        If a variance is negative or `epsilon` is not positive.
    """
    values = {VARIANCE: nonnegative("input_variance", input_variance), EPSILON: positive("epsilon", epsilon)}
    return variance().at({GAIN: real("gain", gain), **values})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (mean, variance)
