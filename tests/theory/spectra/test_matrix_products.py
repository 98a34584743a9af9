"""Products of Gaussian matrices against SciPy's law of a logarithm and published numbers."""

import math

import pytest
from scipy import stats

from theory.spectra import matrix_products


@pytest.mark.parametrize("width", [1, 2, 4, 9])
def test_logarithm_against_quadrature(width: int) -> None:
    law = stats.loggamma(width / 2)  # log of half a chi-square variable
    assert float(matrix_products.lyapunov(width)) == pytest.approx((law.mean() + math.log(2)) / 2)
    assert float(matrix_products.lyapunov_variance(width)) == pytest.approx(law.var() / 4)


def test_mean_square_is_not_typical() -> None:
    assert float(matrix_products.lyapunov(4)) == pytest.approx(0.557966, abs=5e-7)
    assert float(matrix_products.annealed(4)) == pytest.approx(math.log(2))
