"""Branch gains, degrees, losses, symmetry and logarithms against SciPy, enumeration and hand-made numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy as sp
from scipy import integrate, linalg, stats

from theory.fixup import scalar_resnet
from theory.homogeneity import degrees, gaussian_logits, initial_loss
from theory.residual import branch_gains
from theory.residual import fluctuations as residual_fluctuations
from theory.spectra import chains, matrix_logs
from theory.training import symmetry

pytestmark = pytest.mark.filterwarnings("error")


class TestBranchGains:
    def test_growth(self) -> None:
        assert branch_gains.growth([1, 1, 1]) == 8
        assert branch_gains.growth([1 / sp.sqrt(2)] * 2) == sp.Rational(9, 4)
        assert branch_gains.unzeroed_growth(3, 2) == sp.Rational(10, 9) ** 3
        assert float(branch_gains.unzeroed_growth(4, 3)) == pytest.approx((1 + 4**-1.5) ** 4)
        with pytest.raises(ValueError, match="at least 2"):
            branch_gains.unzeroed_growth(3, 1)

    def test_shares_add_up(self) -> None:
        assert sum(branch_gains.share_after(5 - i) for i in range(5)) + branch_gains.share_after(5) == 1

    @pytest.mark.parametrize("order", [1, 2, 3, 4])
    def test_moments_against_the_noncentral_law(self, order: int) -> None:
        n, h, gain = 3, 2, 0.7

        def given(s: float) -> float:
            rho2 = 2 * gain / (n * h) * s
            return float(stats.ncx2(n, 1 / rho2).moment(order)) * rho2**order

        masks = stats.binom(h, 0.5).pmf(range(h + 1))
        oracle = masks[0] + sum(
            masks[k] * integrate.quad(lambda s, k=k: given(s) * stats.chi2(k).pdf(s), 1e-9, 120, limit=200)[0]
            for k in (1, 2)
        )
        assert float(branch_gains.block_ratio_moment(order, n, h, gain)) == pytest.approx(oracle, rel=1e-3)

    def test_second_moments_agree(self) -> None:
        expected = residual_fluctuations.block_ratio_second_moment(5, 7, 2)
        assert sp.simplify(branch_gains.block_ratio_moment(2, 5, 7, 2) - expected) == 0
        assert sp.simplify(branch_gains.deep_block_ratio_second_moment(5, [7], 2) - expected) == 0
        with pytest.raises(ValueError, match="order is 5"):
            branch_gains.block_ratio_moment(5, 2, 2)


class TestDegrees:
    def test_layers(self) -> None:
        assert degrees.dense_degree(1, weight_scaled=True) == 2
        assert degrees.dense_degree(0, weight_scaled=True, bias_scaled=True) == 1
        assert degrees.dense_degree(0, weight_scaled=True, bias_scaled=False) is None
        assert degrees.dense_degree(None, weight_scaled=True) is None
        assert [degrees.rectifier_degree(k) for k in (None, 0, 2)] == [None, 0, 2]
        assert [degrees.tanh_degree(k) for k in (None, 0, 1)] == [None, 0, None]
        assert [degrees.sum_degree(1, k) for k in (1, 0, None)] == [1, None, None]

    def test_gradients_along_a_set(self) -> None:
        assert degrees.loss_gradient_along(3, 2, 1) == 3
        assert degrees.squared_loss_gradient_along(2, 3, 1) == 12


class TestInitialLoss:
    @pytest.mark.parametrize(("classes", "scale"), [(2, 0.3), (3, 0.1), (10, 0.5)])
    def test_the_quadratic_is_a_bound_and_the_remainder_too(self, classes: int, scale: float) -> None:
        mean = gaussian_logits.expected_loss(classes, scale)
        quadratic = float(initial_loss.loss(classes, scale))
        assert quadratic - float(initial_loss.loss_remainder(classes, scale)) <= mean <= quadratic

    def test_zero_classifier(self) -> None:
        assert initial_loss.loss(10, 0) == sp.log(10)


class TestScalarResnet:
    def test_rows_of_the_table(self) -> None:
        size = sp.Symbol("L", integer=True, positive=True)
        assert scalar_resnet.tangent_kernel(5, 1, 1) == sp.Rational(5, 2) * 4**5
        assert scalar_resnet.tangent_kernel(size, 1, 0) == size
        assert scalar_resnet.tangent_kernel(size, 1 / sp.sqrt(size), 0) == 1

    def test_finite_differences(self) -> None:
        def output(scales: np.ndarray) -> float:
            return float(np.prod(1 + scales.prod(axis=1)) * 1.5)

        scales, step = np.tile([0.7, -0.4], (3, 1)), 1e-6
        slopes = []
        for index in np.ndindex(scales.shape):
            moved = np.zeros_like(scales)
            moved[index] = step
            slopes.append((output(scales + moved) - output(scales - moved)) / (2 * step))
        expected = float(scalar_resnet.tangent_kernel(3, 0.7, -0.4, 1.5))
        assert np.square(slopes).sum() == pytest.approx(expected, rel=1e-6)


class TestSymmetryAndChains:
    def test_gap(self) -> None:
        assert symmetry.incoming_gap(0.1, 2, 3, 1, 0) == 0
        assert float(symmetry.incoming_gap(0.1, 2, 3, 1, 0.5)) == pytest.approx(-0.3)

    def test_gradient_entry(self) -> None:
        rng = np.random.default_rng(0)
        (a, b), x, v = rng.normal(size=(2, 2, 2)), rng.normal(size=2), rng.normal(size=2)
        expected = np.outer(x @ a, b @ v)
        for row, column in np.ndindex(2, 2):
            value = chains.gradient_entry(row, column, *(some.ravel().tolist() for some in (a, b, x, v)))
            assert float(value) == pytest.approx(expected[row, column])
        with pytest.raises(ValueError, match="expected 4"):
            chains.gradient_entry(0, 0, [1], [1, 2, 3, 4], [1, 2], [1, 2])


class TestMatrixLogs:
    @pytest.mark.parametrize(("a", "b"), [(0.3, 0.4), (2.0, 0.5)])
    def test_shears(self, a: float, b: float) -> None:
        up, down = np.array([[1, a], [0, 1]]), np.array([[1, 0], [b, 1]])
        defect = linalg.logm(up @ down) - linalg.logm(up) - linalg.logm(down)
        assert float(matrix_logs.product_defect(a, b)) == pytest.approx(np.linalg.norm(defect), rel=1e-6)

    @pytest.mark.parametrize("angle", [1.0, 2.5])
    def test_rotations(self, angle: float) -> None:
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        defect = np.linalg.norm(linalg.logm(turn @ turn) - 2 * linalg.logm(turn))
        assert float(matrix_logs.squared_rotation_defect(angle)) == pytest.approx(defect, abs=1e-9)
        with pytest.raises(ValueError, match="between 0 and pi"):
            matrix_logs.squared_rotation_defect(4)
