"""Moments that merge: counts, means, sums of squared deviations and histograms of what was seen at every position.

Two sets of draws are merged by the update of Chan, Golub & LeVeque (1983, "Algorithms for computing the sample
variance", equation 2.1), which does not cancel. Floating-point sums depend on their order, so results that must agree
to the bit are always merged in the order of their blocks, whichever came first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from simulations.numbers.arrays import Array

Counts = NDArray[np.int64]

EDGES: Array = np.arange(-64.0, 64.5, 0.5)
"""Edges of the histogram of log2 |v|; bin b holds EDGES[b - 1] <= log2 |v| < EDGES[b], the first and the last the
rest."""
BINS = len(EDGES) + 1


@dataclass(frozen=True)
class Moments:
    """What was seen of a number v at each position; arrays (positions,), the histogram (positions, BINS)."""

    count: Counts
    """Number of values."""
    nonfinite: Counts
    """How many were NaN or beyond the range of float64."""
    zeros: Counts
    mean: Array
    """Mean of the finite values; 0 if there are none."""
    m2: Array
    """Sum of their squared deviations from it."""
    log_count: Counts
    """How many had a finite log2 |v|; values too large for float64 may."""
    log_mean: Array
    """Mean of log2 |v| over these."""
    log_m2: Array
    histogram: Counts
    """Counts of log2 |v| between fixed edges."""

    @classmethod
    def of(cls, values: Array) -> Moments:
        """Take the moments of values (draws, positions).

        Raises
        ------
        ValueError
            If the array has another number of axes, or no draws.
        """
        columns = _columns(values)
        with np.errstate(divide="ignore"):
            logs = np.log2(np.abs(columns))
        return cls._of(columns, logs)

    @classmethod
    def of_log2(cls, logs: Array) -> Moments:
        """Take the moments of values that are not negative, given by their base-2 logarithms (draws, positions)."""
        columns = _columns(logs)
        with np.errstate(over="ignore", under="ignore"):
            values = np.exp2(columns)
        return cls._of(values, columns)

    @classmethod
    def _of(cls, values: Array, logs: Array) -> Moments:
        positions, draws = values.shape
        finite, mean, m2 = _first_two(values)
        log_count, log_mean, log_m2 = _first_two(logs)
        return cls(
            count=np.full(positions, draws, dtype=np.int64),
            nonfinite=draws - finite,
            zeros=np.zeros(positions, np.int64) if (log_count == draws).all() else (logs == -np.inf).sum(axis=1),
            mean=mean,
            m2=m2,
            log_count=log_count,
            log_mean=log_mean,
            log_m2=log_m2,
            histogram=_histogram(logs, whole=bool((log_count == draws).all())),
        )

    @property
    def variance(self) -> Array:
        """The unbiased variance of the finite values; NaN for fewer than two."""
        return _ratio(self.m2, self.count - self.nonfinite - 1)

    @property
    def log_variance(self) -> Array:
        """The unbiased variance of log2 |v|; NaN for fewer than two."""
        return _ratio(self.log_m2, self.log_count - 1)


def merge(a: Moments, b: Moments) -> Moments:
    """Return the moments of the draws of `a` followed by those of `b`.

    Raises
    ------
    ValueError
        If they have different numbers of positions.
    """
    if a.histogram.shape != b.histogram.shape:
        raise ValueError(f"cannot merge moments at {len(a.count)} positions with moments at {len(b.count)}")
    mean, m2 = _chan(a.count - a.nonfinite, a.mean, a.m2, b.count - b.nonfinite, b.mean, b.m2)
    log_mean, log_m2 = _chan(a.log_count, a.log_mean, a.log_m2, b.log_count, b.log_mean, b.log_m2)
    return Moments(
        a.count + b.count,
        a.nonfinite + b.nonfinite,
        a.zeros + b.zeros,
        mean,
        m2,
        a.log_count + b.log_count,
        log_mean,
        log_m2,
        a.histogram + b.histogram,
    )


def merged(parts: Iterable[Moments]) -> Moments:
    """Merge in the order given, which must be that of the blocks for results to agree to the bit."""
    return reduce(merge, parts)


def _columns(values: Array) -> Array:
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"expected values (draws, positions), at least one of each, got shape {values.shape}")
    return np.ascontiguousarray(values.T, dtype=np.float64)


def _first_two(columns: Array) -> tuple[Counts, Array, Array]:
    """Count the finite entries of each row, and return their mean and the sum of squared deviations."""
    draws = columns.shape[1]
    with np.errstate(over="ignore", invalid="ignore"):
        total = columns.sum(axis=1)  # finite only if every entry is, so most arrays need no mask
        if np.isfinite(total).all():
            count, mean = np.full(len(total), draws, dtype=np.int64), total / draws
            deviations = columns - mean[:, None]
        else:
            seen = np.isfinite(columns)
            count = seen.sum(axis=1)
            mean = np.where(seen, columns, 0).sum(axis=1) / np.maximum(count, 1)
            deviations = np.where(seen, columns - mean[:, None], 0)
        np.square(deviations, out=deviations)
        return count, mean, deviations.sum(axis=1)


def _chan(count: Counts, mean: Array, m2: Array, more: Counts, its_mean: Array, its_m2: Array) -> tuple[Array, Array]:
    both = np.maximum(count + more, 1)
    with np.errstate(over="ignore", invalid="ignore"):
        step = its_mean - mean
        joint_mean = np.where(count == 0, its_mean, np.where(more == 0, mean, mean + step * (more / both)))
        apart = np.where((count == 0) | (more == 0), 0, step * step * (count * (more / both)))
        return joint_mean, m2 + its_m2 + apart


def _histogram(logs: Array, whole: bool) -> Counts:
    positions = len(logs)
    bins = logs * 2
    bins += 1 - 2 * EDGES[0]
    np.clip(bins, 0, BINS - 1, out=bins)
    bins += BINS * np.arange(positions)[:, None]
    flat = bins.ravel() if whole else bins[np.isfinite(logs)]
    return np.bincount(flat.astype(np.intp), minlength=positions * BINS).reshape(positions, BINS)


def _ratio(sums: Array, degrees: Counts) -> Array:
    return np.where(degrees > 0, sums / np.maximum(degrees, 1), np.nan)
