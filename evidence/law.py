"""Laws: independent samples, each put through its own exact cdf, must be uniform.

The statistic is the Kolmogorov-Smirnov distance D. Its p-value is the exact two-sided tail of N uniforms. Power and
miss follow from the Dvoretzky-Kiefer-Wolfowitz inequality with Massart's constant, P(sup |F_N - F| > t) <= 2 exp(-2 N
t^2), at any N and for any law.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from evidence.finding import POWER, UNSURE, Finding, Verdict, inconclusive

Array = NDArray[np.float64]


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
    """
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
    detectable = _smallest_error(distance_of, needed)
    verdict: Verdict = "refuted" if p_value <= alpha else "held" if detectable <= error * (1 + 1e-9) else "inconclusive"
    true_distance = distance - _band(UNSURE / 2, count)
    surplus = max(0.0, true_distance - band)
    return Finding(
        "law",
        verdict,
        p_value,
        expected,
        measured,
        detectable,
        effect=max(
            abs(measured / expected - 1), _smallest_error(distance_of, distance) if verdict == "refuted" else 0.0
        ),
        miss=min(1.0, 2 * math.exp(-2 * count * surplus**2) + UNSURE) if verdict == "refuted" else 1.0,
        note="too few draws for the stated error" if verdict == "inconclusive" else "",
    )


def chi_square_law(statistics: Array, degrees: Array, *, error: float, alpha: float) -> Finding:
    """Test that each statistic is chi-square with its own number of degrees of freedom (those with 0 left out).

    `error` is a relative error of scale: that all statistics are (1 + error) times too large or too small.
    """
    if statistics.shape != degrees.shape:
        raise ValueError(f"statistics of shape {statistics.shape}, but degrees of shape {degrees.shape}")
    alive = ~(degrees <= 0)
    statistics, degrees = statistics[alive], degrees[alive]
    if statistics.size == 0:
        return inconclusive("law", "nothing sampled", expected=1.0)
    if not (np.isfinite(statistics).all() and np.isfinite(degrees).all()):
        return inconclusive("law", "samples that are NaN or infinite", expected=1.0)
    return law(
        stats.chi2.cdf(statistics, degrees),
        measured=float(statistics.sum() / degrees.sum()),
        distance_of=lambda error: _scale_distance(degrees, error),
        error=error,
        alpha=alpha,
    )


def draws_for_chi_square(degrees: Array, *, error: float, alpha: float) -> int:
    """Return how many chi-square statistics with such `degrees` see an `error` of scale with probability 0.999."""
    distance = _scale_distance(degrees[degrees > 0], error)
    nats = math.sqrt(math.log(2 / alpha * 2) / 2) + math.sqrt(math.log(2 / (1 - POWER) * 2) / 2)
    return math.ceil(1.02 * (nats / distance) ** 2)


def binomial_degrees(units: int) -> Array:
    """Return degrees of freedom that stand for the number of active ones among `units`, each with probability 1/2."""
    levels = (np.arange(1000) + 0.5) / 1000
    degrees: Array = stats.binom.ppf(levels, units, 0.5)
    return degrees


def _scale_distance(degrees: Array, error: float) -> float:
    values, counts = np.unique(degrees, return_counts=True)
    levels = np.linspace(0.02, 0.98, 49)[:, None]
    quantiles = stats.chi2.ppf(levels, values)
    moved = stats.chi2.cdf(quantiles * (1 + error), values)
    return float(np.abs((moved - levels) @ counts).max() / counts.sum())


def _smallest_error(distance_of: Callable[[float], float], needed: float) -> float:
    largest = 10.0
    if distance_of(largest) < needed:
        return math.inf
    return float(optimize.brentq(lambda error: distance_of(error) - needed, 1e-9, largest, xtol=1e-6, rtol=1e-4))


def _band(tail: float, count: int) -> float:
    """Return the distance that the two-sided DKW bound exceeds with probability ``2 * tail``."""
    return math.sqrt(math.log(1 / tail) / (2 * count))
