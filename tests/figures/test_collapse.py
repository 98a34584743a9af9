"""The data of the figures made from sweeps: measured against expected, and theory. Quick effort, one seed."""

from functools import cache

import numpy as np
import pytest
from scipy import special, stats

from figures import collapse, vacuous
from figures.tools.figure import load
from figures.tools.table import Table
from theory.fluctuations.log_moments import log_fourth_cumulant, log_variance


@cache
def quick(name: str) -> Table:
    module = load(name)
    return module.data(module.FIGURE.parameters, "quick", 0)


def off(table: Table) -> np.ndarray:
    return np.abs(table.numbers("measured") - table.numbers("expected"))


def test_collapse_agrees() -> None:
    """72 variances of 3,000 draws each: 6 standard errors, known exactly, fail with probability 1e-6 or so in all."""
    table = quick("collapse").seen()
    assert len(table) == 72
    assert np.all(off(table) <= 6 * table.numbers("error"))
    assert np.all(table.numbers("error") < 0.1 * table.numbers("expected")), "an error that hides all"
    assert table.numbers("alive").min() > 1000
    ratios, errors = (table.numbers(name) / table.numbers("expected") for name in ("measured", "error"))
    assert abs(ratios.mean() - 1) <= 6 * np.sqrt(np.square(errors).sum()) / 72 < 0.03, "pooled: 2e-9"


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


def test_vacuous_is_bounded() -> None:
    """At most 1/2, up to 6 standard errors of 100 draws: any of 70 shares exceeds that with probability 1e-8."""
    table = quick("vacuous")
    assert len(table) == 70
    assert np.all(table.numbers("measured") <= 0.5 + 6 * 0.05)
    large = table.where(net="residual").numbers("logits") > 40
    assert large.sum() > 10  # below 0.001 each, so that 7 of 100 draws have probability 1e-11
    assert np.all(table.where(net="residual").numbers("measured")[large] <= 0.06)


def test_vacuous_agrees_at_small_logits() -> None:
    """10,000 draws at deviation 0.09: 6 errors (by chance 2e-9), and 0.02 for what the first order leaves out."""
    changed = {"depths": [1], "powers": [-4], "draws": 100_000}
    table = vacuous.data({**vacuous.FIGURE.parameters, **changed}, "quick", 0).where(net="residual")
    assert len(table) == 1
    assert off(table)[0] <= 6 * 0.005 + 0.02
    assert table.numbers("expected")[0] == pytest.approx(0.406, abs=0.001)


def test_vacuous_expects() -> None:
    """For independent examples with small normal logits, drawn here: the share of sums that are not above 0."""
    rng, logits = np.random.default_rng(0), 0.1
    z, labels = logits * rng.normal(size=(40_000, 8, 10)), rng.integers(10, size=(40_000, 8, 1))
    p = special.softmax(z, axis=-1)
    excess = ((p * z).sum(axis=-1) - np.take_along_axis(z, labels, axis=-1)[..., 0]).sum(axis=-1)
    share = vacuous.first_order(logits)
    assert (excess <= 0).mean() == pytest.approx(share, abs=6 * 0.0025 + 0.005)
    assert vacuous.first_order(0.0) == 0.5
