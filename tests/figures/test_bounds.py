"""Bounds of the gradient: measured against expected, and that against a plain simulation of losses."""

import numpy as np
import pytest

from tests.figures.agreement import expected, off, quick
from theory.domain import number
from theory.residual import fluctuations as residual_fluctuations


@pytest.mark.slow
def test_bounds_agree() -> None:
    """40 draws a point: 6 standard errors fail with probability 5e-7 (Student's t).

    Wide nets have one scale S where these have s with E s^2 = S^2: as E(l - H) / s rises and E(l - H) / s^2 falls in s,
    its mean is within E|s^2 / S^2 - 1| / 2 of 1, relatively, which is at most half the root of the relative variance.
    """
    table = quick("bounds")
    mean = table.where(what="mean bound")
    assert np.all(off(mean) <= 6 * mean.numbers("error"))
    bound, gradient = table.where(what="bound"), table.where(what="gradient")
    growths = [
        number(residual_fluctuations.growth_relative_second_moment(48, 48, 1, blocks)) for blocks in range(1, 13)
    ]
    slack = np.repeat(np.sqrt(np.array(growths) - 1) / 2, 2)
    assert np.all(off(bound) <= 6 * bound.numbers("error") + slack * bound.numbers("expected"))
    assert np.all(gradient.numbers("measured") >= bound.numbers("measured"))


@pytest.mark.slow
def test_bounds_expect() -> None:
    """Six blocks: logits of deviation 2, and a plain simulation of l - H; 6 standard errors."""
    law = expected("bounds", theorem=1, what="bound", blocks=6) * 48**0.5
    logits = 2 * np.random.default_rng(0).standard_normal((100_000, 10))
    p = np.exp(logits)
    p /= p.sum(axis=1, keepdims=True)
    excess = ((p - np.eye(10)[0]) * logits).sum(axis=1)
    assert abs(excess.mean() - law) <= 6 * excess.std() / 100_000**0.5
