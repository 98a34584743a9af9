"""A confidence interval for the ratio of the true variance to the stated one, at any law of bounded kurtosis.

If the ratio is r, then w^2 / r has mean 1 and a variance of at most the kurtosis less 1, and by Catoni's bound (see
`evidence.mean`) the sum S(r) of psi(lambda (w^2 / r - 1)) over N entries is beyond +-(log(2/delta) + N lambda^2 v / 2)
with probability delta at most. S falls as r grows, so the ratios that are not refuted are an interval.
"""

from __future__ import annotations

import math

from scipy import optimize

from evidence.arrays import Array
from evidence.initialisers.stated import Stated
from evidence.mean import influence

UNSURE = 1e-3
"""Probability that the interval misses the ratio, unless another is asked for."""


def interval(stated: Stated, weights: Array, unsure: float = UNSURE) -> tuple[float, float]:
    """Return the ends of the interval, from entries in units of the stated deviation; (0, 0) if all are 0."""
    squares = weights.ravel() ** 2
    middle, nats = float(squares.mean()), math.log(2 / unsure)
    if middle == 0:
        return 0.0, 0.0
    rate = math.sqrt(2 * nats / (squares.size * (stated.of_squares - 1)))

    def end(most: float, least: float, sign: int) -> float:
        """Return the ratio at which the sum reaches its bound; infinity or 0 where it does not, with so few entries."""

        def beyond(log_ratio: float) -> float:
            return float(influence(rate * (squares / math.exp(log_ratio) - 1)).sum()) - sign * 2 * nats

        near, far = math.log(least), math.log(most)
        if beyond(near) <= 0 or beyond(far) >= 0:
            return 0.0 if sign > 0 else math.inf
        return math.exp(optimize.brentq(beyond, near, far, xtol=1e-7))

    wide = (middle * 1e3, middle / 1e3)
    return end(*wide, 1), end(*wide, -1)
