"""Gradient correlations: measured against expected, and that against two layers by hand."""

import math

import numpy as np
import pytest

from tests.figures.agreement import expected, off, quick


@pytest.mark.slow
def test_shattered_agrees() -> None:
    """6 standard errors; 30 draws of residual nets fail with probability 2e-6 (Student's t).

    The law is of wide nets. Its bias at width 1024, about 6/n in two layers, is not bounded deeper but unseen here.
    """
    seen = quick("shattered").seen()
    assert len(seen) == 15
    assert np.all(off(seen) <= 6 * seen.numbers("error"))


@pytest.mark.slow
def test_shattered_expects() -> None:
    second = math.acos(1 / math.pi)  # the cosine of orthogonal inputs after a layer
    for net, two in (
        ("plain", (1 - second / math.pi) / 2),
        ("residual", 0.75 * (1 - math.acos(1 / (2 * math.pi)) / (2 * math.pi))),
        ("coins", 1 / 4),
        ("coins, residual", 9 / 16),
        ("coins, normalised", 3 / 4 * 5 / 6),
    ):
        assert expected("shattered", net=net, depth=2) == pytest.approx(two), net
    assert (
        0.5 * 196.7 < expected("shattered", net="plain", depth=64) * 64**3 < 196.7
    )  # the constant of the L^-3 law, from below
