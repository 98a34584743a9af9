"""Largest singular values: measured between their bounds, and a shear by hand."""

import numpy as np
import pytest

from figures import top_singular_value
from tests.figures.agreement import quick, within


@pytest.mark.slow
def test_top_singular_values_lie_between_their_bounds() -> None:
    """Within 6 standard errors of at least 64 near-normal draws: of 8 means, one fails with probability 1e-6."""
    rows = quick("top_singular_value")
    within(rows.where(series="fixed vector"), 64)
    within(rows.where(series="largest singular value", width=2), 2000)
    low, high, top = (rows.where(series=name) for name in ("low", "high", "largest singular value"))
    assert top["width"].tolist() == low["width"].tolist() == high["width"].tolist()
    margin = 6 * top.numbers("error")
    assert (low.numbers("expected") - margin < top.numbers("measured")).all()
    assert (top.numbers("measured") < high.numbers("expected") + margin).all()
    radius = rows.where(series="spectral radius")
    assert (radius.numbers("measured") < top.numbers("measured")).all()


def test_stretches_of_a_shear() -> None:
    """Eigenvalues 1, squared singular values (3 +- sqrt 5) / 2, and a first row that stays as it is."""
    found = top_singular_value.stretches(np.array([[[1.0, 0.0], [1.0, 1.0]]]))
    assert found["largest singular value"] == pytest.approx([(1 + 5**0.5) / 2], rel=1e-12)
    assert found["spectral radius"] == pytest.approx([1], rel=1e-6)
    assert found["fixed vector"] == pytest.approx([1], rel=1e-12)
