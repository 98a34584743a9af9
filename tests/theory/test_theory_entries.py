"""Pre-activations, compromises, matrix products and dropout against enumeration, SciPy and published numbers."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from theory.layer import pre_activations
from theory.plain import compromise, dropout
from theory.spectra import matrix_products

pytestmark = pytest.mark.filterwarnings("error")


class TestPreActivations:
    def test_product_variance_by_enumeration(self) -> None:
        weights, values = np.array([0.0, 1.0, 4.0]), np.array([-1.0, 2.0, 5.0, 7.0])
        truth = np.multiply.outer(weights, values).var()
        claimed = pre_activations.product_variance(weights.mean(), weights.var(), values.mean(), values.var())
        assert float(claimed) == pytest.approx(truth)

    def test_weights_of_mean_zero_see_the_second_moment(self) -> None:
        ratio = pre_activations.product_variance(0, 1, math.sqrt(1 / (2 * math.pi)), 0.5 - 1 / (2 * math.pi))
        assert float(ratio) == pytest.approx(0.5)

    @pytest.mark.parametrize("x", [(1.0,), (1.0, -2.0), (0.5, 3.0, -1.0, 2.0)])
    def test_fourth_moment_by_enumeration_of_signs(self, x: tuple[float, ...]) -> None:
        sums = [np.dot(signs, x) for signs in itertools.product((-1, 1), repeat=len(x))]
        claimed = pre_activations.fourth_moment(1, sum(v**4 for v in x), sum(v**2 for v in x))
        assert float(claimed) == pytest.approx(np.mean(np.array(sums) ** 4))

    def test_fourth_moment_of_normal_and_of_single_weights(self) -> None:
        assert pre_activations.fourth_moment(3, 5, 2, 7) == 3 * (2 * 7) ** 2
        assert pre_activations.fourth_moment(pre_activations.uniform_kurtosis(), 1) == pytest.approx(
            stats.uniform.stats(moments="k") + 3
        )

    def test_biases(self) -> None:
        n = 6
        entry = stats.uniform(-1 / math.sqrt(n), 2 / math.sqrt(n)).var()
        assert float(pre_activations.torch_second_moment(n, 4)) == pytest.approx(entry * n * 4 + entry)

    def test_domains(self) -> None:
        with pytest.raises(ValueError, match="kurtosis"):
            pre_activations.fourth_moment(0.5, 1)
        with pytest.raises(ValueError, match="fan_in"):
            pre_activations.torch_second_moment(0)
        with pytest.raises(ValueError, match="variance"):
            pre_activations.product_variance(0, -1, 0, 1)


class TestCompromise:
    def test_a_hundred_to_three_hundred(self) -> None:
        ahead, back = compromise.forward(100, 300), compromise.backward(100, 300)
        assert [float(v) for v in (ahead, back, ahead * back)] == [0.5, 1.5, 0.75]
        assert float(compromise.cycle_gain(100, 300)) == float(compromise.cycle_gain(300, 100)) == 0.75
        assert compromise.cycle_gain(7, 7) == 1

    def test_old_heuristic(self) -> None:
        assert compromise.old_heuristic_factor() * 6 == compromise.old_heuristic_factor(1) * 3 == 1

    def test_domain(self) -> None:
        with pytest.raises(ValueError, match="fan_in"):
            compromise.forward(0, 3)


class TestMatrixProducts:
    @pytest.mark.parametrize("width", [1, 2, 4, 9])
    def test_logarithm_against_quadrature(self, width: int) -> None:
        law = stats.loggamma(width / 2)  # log of half a chi-square variable
        assert float(matrix_products.lyapunov(width)) == pytest.approx((law.mean() + math.log(2)) / 2)
        assert float(matrix_products.lyapunov_variance(width)) == pytest.approx(law.var() / 4)

    def test_mean_square_is_not_typical(self) -> None:
        assert float(matrix_products.lyapunov(4)) == pytest.approx(0.557966, abs=5e-7)
        assert float(matrix_products.annealed(4)) == pytest.approx(math.log(2))


class TestDropout:
    def test_by_enumeration(self) -> None:
        keep, x = 0.3, np.array([1.0, -2.0, 0.5])
        masks = np.array(list(itertools.product((0, 1), repeat=len(x))))
        weights = np.prod(np.where(masks, keep, 1 - keep), axis=1)
        squares = np.sum((masks * x / keep) ** 2, axis=1)
        assert weights @ squares == pytest.approx(float(dropout.second_moment_factor(keep)) * (x @ x))
        assert weights @ squares**2 <= float(dropout.masked_square_bound(keep)) * (x @ x / keep) ** 2
        alone = dropout.masked_square_bound(keep)
        assert keep * keep**-4 == pytest.approx(float(alone) * keep**-2)

    def test_he(self) -> None:
        assert float(dropout.he_variance(8, 1)) == 0.25
        assert float(dropout.he_variance(8, 0.8)) == pytest.approx(0.2)

    @pytest.mark.parametrize("keep", [0, 1.5, -0.1])
    def test_domain(self, keep: float) -> None:
        with pytest.raises(ValueError, match="keep"):
            dropout.second_moment_factor(keep)
