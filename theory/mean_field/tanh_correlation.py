"""Two inputs of a wide tanh layer: their next correlation, and how nearby ones part.

Weights have variance g^2/n, pre-activations variance q. Gaussian means of tanh by the trapezoid rule with steps of 1/10
out to 10 (`mean`, `pair_mean`). It converges like exp(-2 pi d / step), d the distance of the nearest pole,
pi / (2 sqrt q): good to 1e-13 for variances up to 4, and to 1e-9 up to 16. In the wide limit.

- Squared distances of nearby inputs grow by g^2 E sech(z)^4, the chi of gradients (`parting`).
- Next length g^2 E tanh(z)^2 (`next_length`), next correlation E tanh(u) tanh(v) / E tanh(u)^2 (`next_correlation`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive
from theory.expectation import averaged, gaussian
from theory.mean_field.tanh_maps import GAIN, X, Z
from theory.rules import equal, leading, termwise
from theory.symbols import T

STEP, REACH, LARGEST = 0.1, 100, 16
"""The step of the quadrature, its steps to either side, and the largest variance it is good for."""
POINTS = tuple(STEP * step for step in range(-REACH, REACH + 1))
WEIGHTS = tuple(STEP * math.exp(-(point**2) / 2) / math.sqrt(2 * math.pi) for point in POINTS)


@cache
def parting() -> Derivation:
    """Derive the factor on the squared distance of two nearby inputs: that on the squared gradient."""
    epsilon, y = sp.symbols("epsilon y", real=True)
    apart = (sp.tanh(X + epsilon * y) - sp.tanh(X)) ** 2
    return (
        Derivation.begin(
            "Distance of nearby inputs behind a tanh layer",
            "A unit sees x and x + epsilon y, y normal of variance 1: the squared distance behind it.",
            apart,
        )
        .then(
            "To second order in epsilon.",
            epsilon**2 * y**2 * (1 - sp.tanh(X) ** 2) ** 2,
            leading(epsilon, 2),
        )
        .then(
            "Divide by the mean squared distance in front, epsilon^2.",
            y**2 * (1 - sp.tanh(X) ** 2) ** 2,
            lambda before, now: equal(sp.cancel(before / epsilon**2), now),
        )
        .then("Average over y.", (1 - sp.tanh(X) ** 2) ** 2, averaged({y: (1, 0, 1)}))
        .then(
            "Average over x = sqrt(q) t, and take n weights of variance g^2/n: chi.",
            gaussian(GAIN**2 * sp.sech(Z) ** 4, T),
            lambda before, now: termwise()(gaussian(GAIN**2 * before.subs(X, Z), T), now),
        )
    )


def mean(function: Callable[[float], float], variance: float) -> float:
    """Return the mean of a function of tanh, of moderate growth, at z ~ N(0, variance); see the module.

    Raises
    ------
    ValueError
        If `variance` is negative or above 16.
    """
    return _sum([function(z) for z in _scaled(variance)])


def next_length(gain: Value, variance: float) -> float:
    """Return g^2 E tanh(z)^2, z ~ N(0, variance), as `tanh_maps.next_variance` does, a thousand times faster."""
    return float(positive("gain", gain)) ** 2 * mean(lambda z: math.tanh(z) ** 2, variance)


def pair_mean(function: Callable[[float, float], float], variance: float, correlation: float) -> float:
    """Return the mean of a function of tanh(u) and tanh(v), u and v normal of this variance and correlation.

    Raises
    ------
    ValueError
        If `variance` is negative or above 16, or `correlation` is not between -1 and 1.
    """
    if not -1 <= correlation <= 1:
        raise ValueError(f"correlation is {correlation}; expected a number from -1 to 1")
    apart = math.sqrt((1 - correlation) * (1 + correlation))
    others = [apart * other for other in _scaled(variance)]

    def unit(u: float) -> float:
        tanh = math.tanh(u)
        return _sum([function(tanh, math.tanh(correlation * u + other)) for other in others])

    return mean(unit, variance)


def covariance(variance: float, correlation: float) -> float:
    """Return E tanh(u) tanh(v) of normal u and v of this variance and correlation."""
    return pair_mean(lambda one, other: one * other, variance, correlation)


def next_correlation(gain: Value, variance: float, correlation: float) -> float:
    """Return the correlation of the next pre-activations, of two inputs with this one; without biases. Wide limit."""
    positive("gain", gain)  # it cancels
    return covariance(variance, correlation) / next_length(1, variance)


def _scaled(variance: float) -> list[float]:
    if not nonnegative("variance", variance) <= LARGEST:
        raise ValueError(f"variance is {variance}; the quadrature is good for 0 to {LARGEST}")
    root = math.sqrt(variance)
    return [root * point for point in POINTS]


def _sum(values: Sequence[float]) -> float:
    return math.fsum(weight * value for weight, value in zip(WEIGHTS, values, strict=True))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (parting,)
