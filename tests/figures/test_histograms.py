"""Histograms of tanh nets: measured against expected, and that against quadrature."""

import math
from itertools import pairwise

import numpy as np
import pytest

from figures import histograms
from tests.figures.agreement import off, quick

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(120)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
SIDES = ("measured", "expected")


@pytest.mark.slow
def test_histograms_agree() -> None:
    """Units of one net share the scale of their layer.

    That scale has a relative variance of at most 4/n a layer, 20/n in all. In a bin of share p at z deviations it adds
    5 p^2 (z^2 - 1)^2 / n to the p (1 - p) / n of coins: at most 3.1 times as much, at z = 0 with p = 0.38. Six errors
    of both are 12.2 of coins; 12/N covers bins with few counts. Mean squares vary by 22/N, relatively.
    """
    table, units = quick("histograms"), 10 * 1000
    for quantity, edges in histograms.EDGES.items():
        rows = table.where(quantity=quantity)
        assert np.all(off(rows) <= 12.2 * rows.numbers("error") + 12 / (units * (edges[1] - edges[0])))
        squares = [np.reshape(rows.numbers("at") ** 2 * rows.numbers(one), (10, -1)).sum(1) for one in SIDES]
        assert np.abs(squares[0] / squares[1] - 1).max() <= 6 * math.sqrt(22 / units)


def test_histograms_expect() -> None:
    forward, backward = histograms.laws(1.0, 5)
    for before, after in pairwise(forward):
        assert after == pytest.approx(np.tanh(NODES * before**0.5) ** 2 @ WEIGHTS, rel=1e-6)
    for variance, (below, above) in zip(forward[1:], pairwise(backward), strict=True):
        assert below / above == pytest.approx(np.cosh(NODES * variance**0.5) ** -4.0 @ WEIGHTS, rel=1e-6)
    shares = histograms.below(np.array([-1.0, 0.0, 2.0]), 2.0)
    assert shares == pytest.approx([0.30853753872, 0.5, 0.84134474607])
