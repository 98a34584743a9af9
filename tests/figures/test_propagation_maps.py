"""Maps of lengths and correlations: measured against expected, and that against known points."""

import math

import numpy as np
import pytest

from tests.figures.agreement import quick, within


@pytest.mark.slow
def test_maps_of_lengths_and_correlations() -> None:
    rows = quick("propagation_maps")
    for panel in ("length", "correlation"):
        within(rows.where(panel=panel), 20)
    relu = rows.where(panel="correlation", layer="ReLU", before=0.0)
    assert relu["expected"].tolist() == pytest.approx([1 / math.pi] * 2)
    fixed = rows.where(panel="fixed length", layer="tanh", gain=1.5)["before"][0]
    z = np.random.default_rng(0).standard_normal(1_000_000)
    assert 1.5**2 * np.square(np.tanh(math.sqrt(fixed) * z)).mean() == pytest.approx(fixed, abs=6 * 2.25 * 0.35 / 1000)
