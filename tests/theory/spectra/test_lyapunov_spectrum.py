"""Lyapunov exponents and singular values against SciPy's chi law, determinants and explicit matrices."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from theory.spectra import isometry, lyapunov_spectrum, matrix_products

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize(("width", "index"), [(4, 1), (4, 3), (4, 4), (1, 1), (9, 5)])
def test_log_of_a_length(width: int, index: int) -> None:
    chi = stats.chi(width - index + 1, scale=width**-0.5)
    first, second = (chi.expect(lambda t, power=power: math.log(t) ** power) for power in (1, 2))
    assert float(lyapunov_spectrum.lyapunov(width, index)) == pytest.approx(first, abs=1e-7)
    assert float(lyapunov_spectrum.log_variance(width, index)) == pytest.approx(second - first**2, rel=1e-6)


def test_catalogue() -> None:
    known = [-0.1352, -0.3283, -0.6352, -1.3283]
    assert [round(float(lyapunov_spectrum.lyapunov(4, i)), 4) for i in range(1, 5)] == known


def test_the_top_one_is_that_of_a_vector() -> None:
    top = float(lyapunov_spectrum.lyapunov(7, 1))
    assert top == pytest.approx(float(matrix_products.lyapunov(7)) - math.log(7) / 2, rel=1e-12)


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
    with pytest.raises(ValueError, match="index is 5; expected at most the width, 4"):
        lyapunov_spectrum.lyapunov(4, 5)
    with pytest.raises(ValueError, match="width"):
        isometry.column_variance(0, 3)
    with pytest.raises(ValueError, match="active"):
        isometry.masked_square(2)
