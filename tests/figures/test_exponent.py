"""Attention's part of the first step: measured against closed forms, and how the others grow."""

import numpy as np
import pytest

from figures import exponent
from tests.figures.agreement import quick, within


@pytest.mark.slow
def test_exponent_agrees() -> None:
    """Where there is a closed form, with 20 draws a point; sums over layers of chi-square values are near normal."""
    table = quick("exponent")
    for start in exponent.LINES:
        within(table.where(start=start), 20)


@pytest.mark.slow
def test_exponent_grows() -> None:
    """By the powers of the branches that the lines have, and T-Fixup by a root unless its inputs are scaled."""
    table = quick("exponent")

    def power(start: str, column: str) -> float:
        rows = table.where(start=start)
        return float(np.polyfit(np.log(rows.numbers("branches")), np.log(rows.numbers(column)), 1)[0])

    assert [power(start, "expected") for start in exponent.LINES] == pytest.approx([0, 2 / 3, 1], abs=1e-9)
    assert power("T-Fixup", "measured") == pytest.approx(0, abs=0.2)
    assert power("T-Fixup, inputs as they are", "measured") == pytest.approx(0.5, abs=0.2)
    assert power("post-LN", "measured") > 0.8
