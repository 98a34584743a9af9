"""Rank collapse: the cubic law where differences are small, the bound everywhere, and logarithms that triple."""

import numpy as np
import pytest

from tests.figures.agreement import quick


def test_one_head() -> None:
    law, bound, skip = (quick("cubic_collapse").where(panel=panel) for panel in ("no skip", "bound", "skip"))
    small = law.numbers("x") < 0.01
    assert small.sum() > 1
    # relative to eps the next order is of the size of the logits, about 1
    np.testing.assert_allclose(law.numbers("measured")[small], law.numbers("expected")[small], rtol=0.02)
    assert (law.numbers("measured") <= bound.numbers("expected")).all()
    np.testing.assert_allclose(skip.numbers("measured")[small], skip.numbers("expected")[small], rtol=1e-3)


def test_layers() -> None:
    """From the second layer on the cubic law tells the next; ratios of logarithms fall towards 3."""
    rows = quick("cubic_collapse").where(panel="layers")
    logs, told = rows.numbers("measured"), rows.numbers("expected")
    assert logs[3] == pytest.approx(told[3], abs=0.01)
    assert logs[2] / logs[1] > logs[3] / logs[2] > told[4] / logs[3] > 3
