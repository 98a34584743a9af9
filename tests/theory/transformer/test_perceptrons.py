"""Mean squares of SiLU and GELU by quadrature."""

import math

import pytest
from scipy import integrate, stats

from tests.theory.averages import normal_mean
from theory.layer import gains
from theory.transformer import perceptrons


@pytest.mark.parametrize("variance", [0.01, 0.3072, 1.0, 25.0])
def test_by_quadrature(variance: float) -> None:
    gelu = normal_mean(lambda z: (z * stats.norm.cdf(z)) ** 2, variance)
    silu = normal_mean(lambda z: (z / (1 + math.exp(-z))) ** 2, variance)
    assert float(perceptrons.gelu_mean_square(variance)) == pytest.approx(gelu, rel=1e-8)
    assert perceptrons.silu_mean_square(variance) == pytest.approx(silu, rel=1e-8)
    assert variance / 4 < silu < variance / 2
    assert variance / 4 < gelu < variance / 2


def test_gelu_at_variance_one_is_known() -> None:
    assert float(perceptrons.gelu_mean_square(1)) == pytest.approx(float(gains.second_moment("GELU")))


def test_the_mean_square_of_the_normal_distribution_function() -> None:
    found = integrate.quad(lambda t: stats.norm.cdf(1.5 * t) ** 2 * stats.norm.pdf(t), -12, 12)[0]
    assert float(perceptrons.below_squared().at(q=2.25)) == pytest.approx(found)


def test_gpt_2_small() -> None:
    """Quoted: .0654 of perceptrons; 12 N cancels, half of h s^2 E gelu^2 is left."""
    assert 3072 * 0.02**2 / 2 * float(perceptrons.gelu_mean_square(768 * 0.02**2)) == pytest.approx(0.0654, abs=5e-5)


def test_products() -> None:
    assert perceptrons.gated_mean_square(3, 0.5) == 1.5
    with pytest.raises(ValueError, match="value is 0"):
        perceptrons.gated_mean_square(0, 1)
