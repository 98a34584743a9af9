"""Weight variances that preserve the mean square: forwards, backwards, and Glorot's compromise between the two.

sigma^2 is the variance of the weights, n_in and n_out the fans. Per unit and per entry of the cotangent, in the mean
over weights of mean 0; exact at every width.

- Forwards n_in sigma^2 = 1 (`forward`), backwards n_out sigma^2 = 1 (`backward`); both only if n_in = n_out (`both`).
- Glorot: the harmonic mean of the two variances, 2 / (n_in + n_out) (`compromise`).
- He, behind a leaky ReLU of slope a: 2 / ((1 + a^2) n_in) (`after_activation`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer, real
from theory.layer import one_layer, rectifiers
from theory.rules import solving, substituting
from theory.symbols import SLOPE, SQUARE_NORM, VARIANCE

FAN_IN, FAN_OUT = sp.symbols("n_in n_out", integer=True, positive=True)


Q = sp.Symbol("q", positive=True)
"""Mean square of an entry at the side from which a layer is looked at."""


def _kept(title: str, says: str, units: sp.Symbol, inputs: sp.Symbol) -> Derivation:
    """Derive the variance at which `units` linear units of `inputs` entries keep the mean square of an entry."""
    whole = one_layer.linear_layer().at({SQUARE_NORM: inputs * Q, VARIANCE: VARIANCE}, n=units)
    return (
        Derivation.begin(title, says, sp.Eq(whole / (units * Q), 1))
        .then("All but one fan cancels.", sp.Eq(inputs * VARIANCE, 1))
        .then("Solve for the variance.", sp.Eq(VARIANCE, 1 / inputs), solving(VARIANCE))
    )


@cache
def forward() -> Derivation:
    """Derive the variance at which a linear layer preserves the mean square of a unit."""
    return _kept(
        "Forward condition",
        "The square norm of W x, x of fan_in entries of mean square q, shall have q a unit.",
        FAN_OUT,
        FAN_IN,
    )


@cache
def backward() -> Derivation:
    """Derive the variance at which a linear layer preserves the mean square of an entry of the cotangent."""
    return _kept(
        "Backward condition",
        "The square norm of W^T v, v of fan_out entries of mean square q, shall have q an entry.",
        FAN_IN,
        FAN_OUT,
    )


@cache
def both() -> Derivation:
    """Derive when the two conditions hold together."""
    return (
        Derivation.begin(
            "Both conditions",
            "Put the forward variance into the backward condition.",
            sp.Eq(FAN_OUT * forward().result, 1),
        )
        .then("Collect.", sp.Eq(FAN_OUT / FAN_IN, 1))
        .then("They hold together exactly when the fans are equal.", sp.Eq(FAN_OUT, FAN_IN), solving(FAN_OUT))
    )


@cache
def compromise() -> Derivation:
    """Derive Glorot's variance: the harmonic mean of the two target variances, one over the mean of the fans."""
    targets = (forward().result, backward().result)
    return (
        Derivation.begin(
            "Glorot's variance",
            "The harmonic mean of the two target variances.",
            2 / (1 / targets[0] + 1 / targets[1]),
        )
        .then(
            "It is one over the arithmetic mean of the fans, not the harmonic mean of the fans.",
            1 / ((FAN_IN + FAN_OUT) / 2),
        )
        .then("Collect.", 2 / (FAN_IN + FAN_OUT))
    )


@cache
def after_activation() -> Derivation:
    """Derive He's variance for a leaky ReLU with slope a."""
    preserving = sp.Symbol("sigma_1^2", positive=True)
    return (
        Derivation.begin(
            "He's variance",
            "The squared gain of the activation times the variance that preserves the mean square of a linear layer.",
            rectifiers.leaky_gain(SLOPE) ** 2 * preserving,
        )
        .then(
            "Put in the forward condition.",
            rectifiers.leaky_gain(SLOPE) ** 2 / FAN_IN,
            substituting({preserving: forward().result}),
        )
        .then("Collect.", 2 / ((1 + SLOPE**2) * FAN_IN))
    )


def forward_variance(fan_in: Value) -> sp.Expr:
    """Return 1 / fan_in, the variance at which a linear layer preserves the mean square per unit."""
    return forward().at(n_in=positive_integer("fan_in", fan_in))


def backward_variance(fan_out: Value) -> sp.Expr:
    """Return 1 / fan_out, the variance at which a linear layer preserves the mean square per entry of the cotangent."""
    return backward().at(n_out=positive_integer("fan_out", fan_out))


def glorot_variance(fan_in: Value, fan_out: Value) -> sp.Expr:
    """Return 2 / (fan_in + fan_out), the harmonic mean of the forward and the backward variance.

    Source: Glorot and Bengio 2010, equation 12.
    """
    return compromise().at(**_fans(fan_in, fan_out))


def harmonic_mean_of_fans_variance(fan_in: Value, fan_out: Value) -> sp.Expr:
    """Return one over the harmonic mean of the fans: a common misreading of Glorot, right iff the fans are equal."""
    n_in, n_out = _fans(fan_in, fan_out).values()
    return (1 / n_in + 1 / n_out) / 2


def geometric_variance(fan_in: Value, fan_out: Value) -> sp.Expr:
    """Return one over the geometric mean of the fans: not Glorot; forward times backward gain is 1."""
    n_in, n_out = _fans(fan_in, fan_out).values()
    return 1 / sp.sqrt(n_in * n_out)


def he_variance(fan_in: Value, slope: Value = 0) -> sp.Expr:
    """Return 2 / ((1 + slope^2) fan_in), which preserves the second moment through a leaky ReLU layer.

    Source: He et al. 2015, section 2.2.
    """
    return after_activation().at(n_in=positive_integer("fan_in", fan_in), a=real("slope", slope))


def _fans(fan_in: Value, fan_out: Value) -> dict[str, sp.Expr]:
    return {"n_in": positive_integer("fan_in", fan_in), "n_out": positive_integer("fan_out", fan_out)}


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (forward, backward, both, compromise, after_activation)
