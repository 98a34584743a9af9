"""Gradients through time: measured against expected, and that against powers of gates."""

import math

import numpy as np
import pytest

from tests.figures.agreement import quick, within


def test_gradients_through_time() -> None:
    """Four steps, of which 20,000 draws make normal means; five and six have tails too heavy for that."""
    rows = quick("recurrent")
    for series in dict.fromkeys(rows.where(panel="tied")["series"].tolist()):
        for step in range(4):
            within(rows.where(panel="tied", series=series, step=step), 20_000)
    cell = rows.where(panel="cell")
    np.testing.assert_allclose(cell.numbers("measured"), cell.numbers("expected"), rtol=1e-12)
    assert cell.where(series="$b = 1$", step=100)["expected"][0] == pytest.approx((1 + math.exp(-1)) ** -100)
    assert cell.where(series=r"$b = \log 99$", step=100)["expected"][0] == pytest.approx(0.99**100)
