"""Glorot's compromise: measured against expected, and that against gains by hand."""

import numpy as np
import pytest

from figures import compromise
from tests.figures.agreement import off, quick


def test_compromise_agrees() -> None:
    """40 near-normal draws: 6 standard errors fail with probability 5e-7 (Student's t), any of 40 with 2e-5."""
    seen = quick("compromise").seen()
    assert len(seen) == 40
    assert np.all(off(seen) <= 6 * seen.numbers("error"))
    assert np.all(seen.numbers("error") < 0.03 * seen.numbers("expected")), "an error that hides all"


def test_compromise_expects() -> None:
    for variance, forwards in (("Glorot", 2 / 17), ("fan-in", 1), ("fan-out", 1 / 16), ("geometric mean", 1 / 4)):
        gains = compromise.gains(variance, 7, 112)
        assert gains == pytest.approx({"forwards": forwards, "backwards": 16 * forwards})
