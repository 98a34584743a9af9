"""Variances of log-norms by shape: measured against expected, and that against sums over units."""

import numpy as np
import pytest
from scipy import special, stats

from figures import collapse
from tests.figures.agreement import off, quick
from theory.fluctuations.log_moments import log_fourth_cumulant, log_variance


@pytest.mark.slow
def test_collapse_agrees() -> None:
    """72 variances of 3,000 draws each: 6 standard errors, known exactly, fail with probability 1e-6 or so in all."""
    table = quick("collapse").seen()
    assert len(table) == 72
    assert np.all(off(table) <= 6 * table.numbers("error"))
    assert np.all(table.numbers("error") < 0.1 * table.numbers("expected")), "an error that hides all"
    assert table.numbers("alive").min() > 1000
    ratios, errors = (table.numbers(name) / table.numbers("expected") for name in ("measured", "error"))
    assert abs(ratios.mean() - 1) <= 6 * np.sqrt(np.square(errors).sum()) / 72 < 0.03, "pooled: 2e-9"


@pytest.mark.slow
def test_collapse_is_seen_to_be_asymptotic() -> None:
    """The exact sums, not their leading order, are what is measured where layers are narrow."""
    pinched = quick("collapse").where(shape="pinched", width=32)
    leading = np.abs(pinched.numbers("measured") - pinched.numbers("leading"))
    assert np.all(leading > 6 * pinched.numbers("error"))


@pytest.mark.parametrize("width", [5, 12])
def test_collapse_expects(width: int) -> None:
    variance, fourth = collapse.cumulants(width)
    assert variance == pytest.approx(float(log_variance([width])))
    assert fourth == pytest.approx(float(log_fourth_cumulant([width])))
    k = np.arange(1, 301)
    weights, means = stats.binom.pmf(k, 300, 0.5), special.digamma(k / 2)
    wide = weights @ (means**2 + special.polygamma(1, k / 2)) - (weights @ means) ** 2
    assert collapse.cumulants(300)[0] == pytest.approx(wide)
