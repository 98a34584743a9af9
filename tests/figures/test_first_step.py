"""The first step on the branches: measured against closed forms, and by which power it grows."""

import numpy as np
import pytest

from figures import first_step
from tests.figures.agreement import changed, within

FEW = {"layers": [1, 4, 16]}


@pytest.mark.slow
def test_first_step() -> None:
    """Where there is a closed form, with 20 draws a point; then the powers of the branches that it has."""
    table = changed("first_step", **FEW)
    for optimiser, starts in (("SGD", first_step.NO_QUERIES), ("Adam", first_step.NO_QUERIES[:3])):
        for start in starts:
            within(table.where(optimiser=optimiser, start=start), 20)

    def power(optimiser: str, start: str, column: str = "expected") -> float:
        rows = table.where(optimiser=optimiser, start=start)
        return float(np.polyfit(np.log(rows.numbers("branches")), np.log(rows.numbers(column)), 1)[0])

    two, _, zeros, rezero = first_step.NO_QUERIES
    assert [power("SGD", start) for start in (two, zeros, rezero)] == pytest.approx([0, 1, 1], abs=1e-9)
    assert [power("Adam", start) for start in (two, zeros)] == pytest.approx([0.5, 1], abs=1e-9)
    assert power("SGD", "T-Fixup", "measured") == pytest.approx(0, abs=0.2)
