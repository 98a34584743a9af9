"""Lyapunov exponents against SciPy's chi law and quoted numbers."""

import math

import pytest
from scipy import stats

from theory.spectra import lyapunov_spectrum, matrix_products


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


def test_domain() -> None:
    with pytest.raises(ValueError, match="index is 5; expected at most the width, 4"):
        lyapunov_spectrum.lyapunov(4, 5)
