"""Assertions about frequencies: each fails with probability at most `ALARM` where what it asserts is true."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from evidence import Finding

ALARM = 1e-6
LEVELS = (0.5, 0.2, 0.1, 0.05, 0.01)


def at_most(probability: float, hits: int, trials: int) -> None:
    """Each of `trials` independent trials hits with at most `probability`: exact binomial tail."""
    assert stats.binom.sf(hits - 1, trials, probability) >= ALARM, f"{hits} of {trials}, at most {probability}"


def at_least(probability: float, hits: int, trials: int) -> None:
    """Each of `trials` independent trials hits with at least `probability`: exact binomial tail."""
    assert stats.binom.cdf(hits, trials, probability) >= ALARM, f"{hits} of {trials}, at least {probability}"


def superuniform(p_values: Sequence[float | None] | NDArray[np.float64]) -> None:
    """P(p <= t) <= t at each of `LEVELS`; the alarm of the whole is five times `ALARM`."""
    values = np.asarray(p_values, dtype=float)
    assert np.isfinite(values).all()
    for level in LEVELS:
        at_most(level, int((values <= level).sum()), values.size)


def uniform(p_values: Sequence[float | None] | NDArray[np.float64]) -> None:
    """P(p <= t) = t for all t: a Kolmogorov-Smirnov band."""
    assert stats.kstest(np.asarray(p_values, dtype=float), "uniform").pvalue >= ALARM


def refutations(findings: Sequence[Finding]) -> int:
    """Count what is refuted of what was planned well enough to be decided."""
    assert {f.verdict for f in findings} <= {"held", "refuted"}, "the planned number of draws must suffice"
    return sum(f.verdict == "refuted" for f in findings)
