"""The gradient of ones: measured against expected, and that against limits and one unit by hand."""

import math

import numpy as np
import pytest

from figures import independence
from tests.figures.agreement import quick, within


@pytest.mark.slow
def test_independence_is_measured_as_derived() -> None:
    rows = quick("independence")
    for width in independence.FIGURE.parameters["widths"]:
        within(rows.where(panel="width", width=width), 20 if width > 10_000 else 40)
    within(rows.where(panel="depth", width=64), 600)
    within(rows.where(panel="depth", width=10_000), 20)
    assert rows.where(panel="width", width=8)["expected"][0] == pytest.approx(1 + 7 / (8 * math.pi), rel=1e-12)
    wide = rows.where(panel="depth", width=np.inf).numbers("expected")
    np.testing.assert_allclose(wide, 1 + 1 / math.pi + 2 / math.pi * np.arange(32), rtol=1e-12)
    np.testing.assert_allclose(independence.in_depth(10**9, 32), wide, rtol=1e-6)


def test_gradient_of_ones_in_two_layers_of_one_unit() -> None:
    """By hand: one unit is on with probability 1/2 and then multiplies by a square of mean 2, so the mean stays 1."""
    np.testing.assert_allclose(independence.in_depth(1, 4), 1, rtol=1e-12)
