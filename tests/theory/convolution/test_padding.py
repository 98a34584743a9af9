"""Convolutions, scale-invariant weights, tangent kernels and rectified branches, against sums and integrals."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy as sp
from scipy import integrate, stats

from theory.convolution import padding
from theory.fixup import in_sync
from theory.homogeneity import degrees_of_images
from theory.normalisation import scale_invariance
from theory.residual import rectified_branches


class TestConvolutions:
    def test_shares_by_convolving(self) -> None:
        shares = np.ones((4, 4))
        for layers in (1, 2, 3):
            around = np.pad(shares, 1)
            shares = np.array([[around[i : i + 3, j : j + 3].mean() for j in range(4)] for i in range(4)])
            axis = np.array(padding.axis_shares(4, 3, 1, layers), dtype=float)
            np.testing.assert_allclose(np.outer(axis, axis), shares, rtol=1e-14)

    def test_quoted(self) -> None:
        assert padding.share(2, 3, 3) == sp.Rational(6, 9)
        assert padding.share(2, 2, 3) == sp.Rational(4, 9)
        assert padding.axis_shares(5, 3, 1) == (sp.Rational(2, 3), 1, 1, 1, sp.Rational(2, 3))
        assert padding.axis_shares(5, 3, 0) == (1, 1, 1)
        assert padding.fan_out_growth(16, 32) == sp.Rational(1, 2)
        assert padding.axis_windows(5, 3, 2, 0) == (1, 1, 2, 1, 1)
        assert padding.axis_windows(4, 3, 1, 1) == (2, 3, 3, 2)
        assert padding.cotangent_second_moment(3, 3, 3) == 2

    def test_shared_bias_by_a_covariance_matrix(self) -> None:
        channels, positions = 3, 5
        total = np.ones(channels * positions) @ np.eye(channels * positions) @ np.ones(channels * positions)
        assert float(padding.shared_bias_ratio(channels, positions)) == total

    @pytest.mark.parametrize("arguments", [(0, 3, 1), (3, 0, 1), (3, 3, -1), (3, 3, 1, 0)])
    def test_domain(self, arguments: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match="expected an integer"):
            padding.axis_shares(*arguments)

    def test_a_window_that_does_not_fit(self) -> None:
        with pytest.raises(ValueError, match="does not fit"):
            padding.axis_shares(4, 3, 0, 2)


class TestScaleInvariance:
    def test_against_differences(self) -> None:
        """The cosine of the angle to a fixed vector has the degree 0."""
        target, w, c, step = np.array([1.0, -2.0, 0.5]), np.array([0.3, 0.4, -1.1]), 3.0, 1e-6

        def slope(at: np.ndarray) -> np.ndarray:
            def f(v: np.ndarray) -> float:
                return float(v @ target / np.linalg.norm(v))

            return np.array([(f(at + step * e) - f(at - step * e)) / (2 * step) for e in np.eye(3)])

        np.testing.assert_allclose(slope(c * w), float(scale_invariance.gradient_factor(c)) * slope(w), atol=1e-8)
        assert abs(w @ slope(w)) < 1e-8

    @pytest.mark.parametrize(("rate", "decay", "square"), [(0.1, 0.01, 2.0), (2.0, 0.25, 0.3), (1.5, 1.0, 7.0)])
    def test_equilibrium_by_iterating(self, rate: float, decay: float, square: float) -> None:
        norm = 1.0
        for _ in range(20_000):
            norm = (1 - rate * decay) ** 2 * norm + rate**2 * square / norm
        assert float(scale_invariance.equilibrium_fourth_power(rate, decay, square)) == pytest.approx(norm**2, rel=1e-9)

    def test_rate(self) -> None:
        assert scale_invariance.rate_of_direction(3, 2) == sp.Rational(3, 4)

    def test_domain(self) -> None:
        with pytest.raises(ValueError, match="less than 2"):
            scale_invariance.equilibrium_fourth_power(2, 1, 1)
        with pytest.raises(ValueError, match="rate"):
            scale_invariance.rate_of_direction(0, 1)
        with pytest.raises(ValueError, match="scale"):
            scale_invariance.gradient_factor(-1)


class TestInSync:
    def test_layer_by_outer_products(self) -> None:
        rng = np.random.default_rng(0)
        x, d, e = rng.standard_normal(4), rng.standard_normal(3), rng.standard_normal(3)
        expected = (np.outer(x, d) * np.outer(x, e)).sum()
        assert float(in_sync.layer_kernel(x @ x, d @ e)) == pytest.approx(expected)

    def test_change_by_a_small_step(self) -> None:
        rng = np.random.default_rng(1)
        w, target, rate = rng.standard_normal(3), rng.standard_normal(3), 1e-7
        output, jacobian = math.tanh(w @ target), (1 - math.tanh(w @ target) ** 2) * target
        moved = math.tanh((w - rate * output * jacobian) @ target)
        expected = float(in_sync.output_change(rate, jacobian @ jacobian, output))
        assert moved - output == pytest.approx(expected, rel=1e-5)

    def test_domain(self) -> None:
        with pytest.raises(ValueError, match="square_norm"):
            in_sync.layer_kernel(-1, 1)
        with pytest.raises(ValueError, match="rate"):
            in_sync.output_change(0, 1, 1)


@pytest.mark.parametrize("scale", [0.1, 1.0, 2.5])
@pytest.mark.parametrize("x", [(1.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.2, 3.0, 1.0)])
def test_rectified_branches_by_integrating(x: tuple[float, ...], scale: float) -> None:
    square, n = sum(a * a for a in x), len(x)
    spread = math.sqrt(2 * square / n)

    def moment(a: float, order: int) -> float:
        def entry(t: float) -> float:
            return float((a + scale * spread * max(t, 0.0)) ** order * stats.norm.pdf(t))

        return float(integrate.quad(entry, -12, 12, points=[0.0])[0])

    growth = sum(moment(a, 2) for a in x) / square
    flatness = sum(x) / math.sqrt(n * square)
    assert float(rectified_branches.block_growth(scale, flatness)) == pytest.approx(growth, rel=1e-7)
    variance = sum(moment(a, 4) - moment(a, 2) ** 2 for a in x) / square**2
    assert variance <= float(rectified_branches.relative_variance_bound(scale, n)) * growth


def test_domain_of_rectified_branches() -> None:
    with pytest.raises(ValueError, match="flatness"):
        rectified_branches.block_growth(1, 1.1)
    with pytest.raises(ValueError, match="scale"):
        rectified_branches.block_growth(-1, 1)


class TestDegreesOfImages:
    def test_pooling_keeps(self) -> None:
        assert [degrees_of_images.maximum_degree(k) for k in (None, 0, 2)] == [None, 0, 2]
        assert [degrees_of_images.average_degree(k) for k in (None, 0, 2)] == [None, 0, 2]

    def test_normalisation(self) -> None:
        degree = degrees_of_images.normalisation_degree
        assert (degree(2), degree(1, 1.0), degree(0, 1.0), degree(None)) == (0, None, 0, None)
        assert (degree(2, 0, True), degree(2, 0, True, False), degree(2, 0, True, True)) == (1, None, 1)
        assert degree(2, 0, False, True) is None
        with pytest.raises(ValueError, match="epsilon"):
            degree(1, -1.0)
