"""Moves of scalar branches: measured against expected, and that against powers by hand."""

import numpy as np
import pytest

from tests.figures.agreement import expected, off, quick


def test_scalar_branch_agrees() -> None:
    """Second orders in eta are below m eta = 8e-4 of the first, rounding below 1e-4 of the smallest move."""
    table = quick("scalar_branch")
    assert np.all(off(table) <= 1e-3 * table.numbers("expected"))


def test_scalar_branch_expects() -> None:
    for branches in (10, 1000):
        assert expected("scalar_branch", part="moves", exponent=0.25, branches=branches) == pytest.approx(3.0)  # m
    assert expected("scalar_branch", part="moves", exponent=0.15, branches=1000) == pytest.approx(3 * 1000**0.4)
    growth = {exponent: expected("scalar_branch", part="growth", m=2, exponent=exponent) for exponent in (0.0, 0.5)}
    assert growth == pytest.approx({0.0: 10.0, 0.5: 1.0})
