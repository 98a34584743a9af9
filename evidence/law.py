"""Laws: independent samples, each put through its own exact cdf, must be uniform.

The statistic is the Kolmogorov-Smirnov distance D. Its p-value is the exact two-sided tail of N uniforms. Power and
miss follow from the Dvoretzky-Kiefer-Wolfowitz inequality with Massart's constant, P(sup |F_N - F| > t) <= 2 exp(-2 N
t^2), at any N and for any law.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from numbers import Integral

import numpy as np
from scipy import optimize, stats

from evidence.arrays import Array, real
from evidence.finding import POWER, UNSURE, Finding, inconclusive, judged, sensible


def law(
    uniforms: Array,
    *,
    measured: float,
    distance_of: Callable[[float], float],
    error: float,
    alpha: float,
    expected: float = 1.0,
) -> Finding:
    """Test that `uniforms` (samples put through their claimed cdf) are uniform on [0, 1].

    Parameters
    ----------
    uniforms : array (draws,)
    measured : float
        A summary to show beside `expected`, such as the ratio of the samples' mean to the law's.
    distance_of : callable
        The Kolmogorov distance that a relative error of the given size makes; with it `error` becomes power.
    error : float
        The relative error to be seen with probability 0.999.
    alpha : float
        The probability of refuting a true claim.
    expected : float
        What to show beside `measured`.

    Raises
    ------
    ValueError
        If a value does not lie in [0, 1], there is not one a draw, or `error`, `alpha` or `expected` make no sense.
    """
    sensible(error=error, alpha=alpha)
    uniforms = real(uniforms, "samples")
    if uniforms.ndim != 1 or expected == 0:
        raise ValueError(f"expected one sample a draw, and not 0 beside it, got shape {uniforms.shape} and {expected}")
    if uniforms.size == 0:
        return inconclusive("law", "nothing sampled", expected=expected)
    if not np.isfinite(uniforms).all():
        return inconclusive("law", "samples that are NaN or infinite", expected=expected)
    if uniforms.min() < 0 or uniforms.max() > 1:
        raise ValueError(f"expected values between 0 and 1, got {uniforms.min()} to {uniforms.max()}")
    count = uniforms.size
    distance = float(stats.ks_1samp(uniforms, stats.uniform.cdf, mode="asymp").statistic)
    p_value = float(stats.kstwo.sf(distance, count))
    band = _band(alpha / 2, count)
    needed = band + _band((1 - POWER) / 2, count)
    refuted = p_value <= alpha
    true_distance = distance - _band(UNSURE / 2, count)
    surplus = max(0.0, true_distance - band)
    return judged(
        "law",
        refuted=refuted,
        p_value=p_value,
        expected=expected,
        measured=measured,
        detectable=_smallest_error(distance_of, needed),
        error=error,
        effect=max(abs(measured / expected - 1), _smallest_error(distance_of, distance) if refuted else 0.0),
        miss=min(1.0, 2 * math.exp(-2 * count * surplus**2) + UNSURE),
    )


@dataclass(frozen=True, eq=False)
class ChiSquareTest:
    """A test that statistics have chi-square laws: planned from their degrees of freedom, then called with them.

    Parameters
    ----------
    degrees : float or array
        Degrees of freedom: one number for all statistics, or numbers of the law that those of the statistics have.
    error : float
        The relative error of scale to be seen with probability 0.999: all statistics (1 + error) times too large.
    alpha : float
        The probability of refuting a true claim.

    Examples
    --------
    Squared norms of three standard normal variables are chi-square with three degrees of freedom:

    >>> test = ChiSquareTest(3, error=0.1, alpha=1e-6)
    >>> normals = np.random.default_rng(0).standard_normal((test.draws, 3))
    >>> test((normals**2).sum(axis=1)).verdict
    'held'
    >>> test((normals**2).sum(axis=1) / 1.2).verdict
    'refuted'
    """

    degrees: Array | float
    _: KW_ONLY
    error: float
    alpha: float

    @property
    def draws(self) -> int:
        """The number of statistics with which the stated error is seen with probability 0.999.

        Raises
        ------
        ValueError
            If no degrees of freedom are positive, some are not finite, or `error` or `alpha` make no sense.
        """
        sensible(error=self.error, alpha=self.alpha)
        degrees = np.atleast_1d(real(self.degrees, "degrees of freedom"))
        if not ((degrees > 0).any() and np.isfinite(degrees).all()):
            raise ValueError(f"expected finite degrees of freedom, some above 0, got {self.degrees}")
        distance = _scale_distances(degrees[degrees > 0])(self.error)
        nats = math.sqrt(math.log(2 / self.alpha * 2) / 2) + math.sqrt(math.log(2 / (1 - POWER) * 2) / 2)
        return math.ceil(1.02 * (nats / distance) ** 2)

    def __call__(self, statistics: Array, degrees: Array | None = None) -> Finding:
        """Test that each of `statistics` (draws,) is chi-square with its own degrees, those with 0 left out.

        Parameters
        ----------
        degrees : array (draws,), optional
            Those of each statistic; by default the one number of the plan.

        Raises
        ------
        ValueError
            If there are not as many degrees as statistics, or not one statistic a draw.
        """
        statistics = real(statistics, "statistics")
        if degrees is None and np.ndim(self.degrees) == 0:
            degrees = np.full(statistics.shape, float(self.degrees))
        if degrees is None or statistics.shape != degrees.shape:
            given = "none" if degrees is None else f"those of shape {degrees.shape}"
            raise ValueError(f"expected degrees of statistics of shape {statistics.shape}, got {given}")
        statistics, degrees = statistics[~(degrees <= 0)], degrees[~(degrees <= 0)]
        if statistics.size == 0:
            return inconclusive("law", "nothing sampled", expected=1.0)
        if not (np.isfinite(statistics).all() and np.isfinite(degrees).all()):
            return inconclusive("law", "samples that are NaN or infinite", expected=1.0)
        return law(
            stats.chi2.cdf(statistics, degrees),
            measured=float(statistics.sum() / degrees.sum()),
            distance_of=_scale_distances(degrees),
            error=self.error,
            alpha=self.alpha,
        )


def binomial_degrees(units: int) -> Array:
    """Return degrees of freedom that stand for the number of active ones among `units`, each with probability 1/2.

    Raises
    ------
    ValueError
        If `units` is no whole number of at least 1.
    """
    if not (isinstance(units, Integral) and units >= 1):
        raise ValueError(f"expected a whole number of units of at least 1, got {units}")
    levels = (np.arange(1000) + 0.5) / 1000
    degrees: Array = stats.binom.ppf(levels, units, 0.5)
    return degrees


def _scale_distances(degrees: Array) -> Callable[[float], float]:
    """Return the function that gives the distance of the laws if all statistics are (1 + its argument) times too large.

    The quantiles, which are slow, are found once.
    """
    values, counts = np.unique(degrees, return_counts=True)
    levels = np.linspace(0.02, 0.98, 49)[:, None]
    quantiles = stats.chi2.ppf(levels, values)

    def distance_of(error: float) -> float:
        moved = stats.chi2.cdf(quantiles * (1 + error), values)
        return float(np.abs((moved - levels) @ counts).max() / counts.sum())

    return distance_of


def _smallest_error(distance_of: Callable[[float], float], needed: float) -> float:
    largest = 10.0
    if distance_of(largest) < needed:
        return math.inf
    return float(optimize.brentq(lambda error: distance_of(error) - needed, 1e-9, largest, xtol=1e-6, rtol=1e-4))


def _band(tail: float, count: int) -> float:
    """Return the distance that the two-sided DKW bound exceeds with probability ``2 * tail``."""
    return math.sqrt(math.log(1 / tail) / (2 * count))
