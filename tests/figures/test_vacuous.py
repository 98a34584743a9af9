"""Shares of vacuous draws: measured against bounds and expected, and that against plain draws."""

import numpy as np
import pytest
from scipy import special

from figures import vacuous
from tests.figures.agreement import changed, off, quick


@pytest.mark.slow
def test_vacuous_is_bounded() -> None:
    """At most 1/2, up to 6 standard errors of 100 draws: any of 70 shares exceeds that with probability 1e-8."""
    table = quick("vacuous")
    assert len(table) == 70
    assert np.all(table.numbers("measured") <= 0.5 + 6 * 0.05)
    large = table.where(net="residual").numbers("logits") > 40
    assert large.sum() > 10  # below 0.001 each, so that 7 of 100 draws have probability 1e-11
    assert np.all(table.where(net="residual").numbers("measured")[large] <= 0.06)


@pytest.mark.slow
def test_vacuous_agrees_at_small_logits() -> None:
    """10,000 draws at deviation 0.09: 6 errors (by chance 2e-9), and 0.02 for what the first order leaves out."""
    table = changed("vacuous", depths=[1], powers=[-4], draws=100_000).where(net="residual")
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
