"""Columns and masked rotations against SciPy's chi-square and explicit matrices."""

import math

import numpy as np
import pytest
from scipy import stats

from theory.spectra import isometry


def test_mean_square_and_spread_of_a_column() -> None:
    """E||J e||^4 by the chi-square moments of SciPy."""
    fourth = stats.chi2(5).moment(2) / 25
    assert float(isometry.column_variance(5, 3)) == pytest.approx(fourth**3 - 1, rel=1e-12)
    assert isometry.column_variance(5, 0) == 0


def test_masked_rotation() -> None:
    q = np.linalg.qr(np.random.default_rng(0).standard_normal((5, 5)))[0]
    mask = np.array([1, 0, 1, 1, 0])
    values = np.linalg.svd(mask[:, None] * q * math.sqrt(2), compute_uv=False) ** 2
    told = sorted((float(isometry.masked_square(int(d))) for d in mask), reverse=True)
    np.testing.assert_allclose(values, told, atol=1e-14)


def test_domains() -> None:
    with pytest.raises(ValueError, match="width"):
        isometry.column_variance(0, 3)
    with pytest.raises(ValueError, match="active"):
        isometry.masked_square(2)
