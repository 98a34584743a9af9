"""Homogeneity, softmax, the bounds, and Fixup's updates, against enumeration, quadrature and steps taken."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import sympy as sp
from scipy import integrate, stats

from theory.fixup import scalar_branch
from theory.fixup import scale as fixup
from theory.homogeneity import bounds, gaussian_logits, maximum, softmax
from theory.homogeneity import euler as homogeneity

pytestmark = pytest.mark.filterwarnings("error")
N, H = sp.symbols("N H", integer=True, positive=True)


class TestHomogeneity:
    def test_degrees(self) -> None:
        assert homogeneity.composition_degree(2, 3) == 6
        assert homogeneity.product_degree(1, 1) == 2
        assert homogeneity.sum_degree(1, 1, 1) == 1
        with pytest.raises(ValueError, match="degrees are"):
            homogeneity.sum_degree(1, 2)


class TestSoftmax:
    def test_identity_at_numbers(self) -> None:
        logits, label = np.array([0.3, -2.0, 1.1]), np.array([0.7, 0.5, -0.2])
        p = np.exp(logits) / np.exp(logits).sum()
        oracle = -label @ np.log(p) + p @ np.log(p)
        assert float(softmax.loss_minus_entropy(tuple(p), tuple(label), tuple(logits))) == pytest.approx(oracle)

    def test_identity_needs_a_label_that_sums_to_one(self) -> None:
        with pytest.raises(ValueError, match="label sums to 3"):
            softmax.loss_minus_entropy((1, 0, 0), (1, 1, 1), (0, 0, 0))

    def test_entropy_bound(self) -> None:
        assert softmax.entropy_bound(10) == sp.log(10)
        draws = np.random.default_rng(0).dirichlet(np.ones(10), size=100)
        assert stats.entropy(draws, axis=1).max() <= float(softmax.entropy_bound(10))

    @pytest.mark.parametrize("scale", [0.5, 2.0])
    def test_two_classes_by_quadrature(self, scale: float) -> None:
        """Two classes depend on the difference of the logits alone, a normal variable of variance 2 scale^2."""
        law = stats.norm(scale=scale * math.sqrt(2))
        square = integrate.quad(lambda d: (1 + math.exp(2 * d)) / (1 + math.exp(d)) ** 2 * law.pdf(d), -60, 60)[0]
        loss = integrate.quad(lambda d: math.log1p(math.exp(d)) * law.pdf(d), -60, 60, limit=200)[0]
        value = gaussian_logits.expected_loss_minus_entropy(2, scale)
        assert value == pytest.approx(float(softmax.mean_loss_minus_entropy(scale, square)), abs=1e-7)
        assert gaussian_logits.expected_loss(2, scale) == pytest.approx(loss, abs=1e-7)

    def test_quoted(self) -> None:
        values = [gaussian_logits.expected_loss_minus_entropy(10, scale) for scale in (0.1, 1, 10)]
        assert values == pytest.approx([0.0090, 0.8053, 15.249], abs=6e-4)
        assert gaussian_logits.expected_loss(10, 0.1) == pytest.approx(2.3071, abs=5e-5)
        assert gaussian_logits.expected_loss(10, 3) == pytest.approx(5.08, abs=6e-3)

    def test_limits(self) -> None:
        assert gaussian_logits.expected_loss_minus_entropy(10, 1e-3) == pytest.approx(9e-7, rel=1e-5)
        assert gaussian_logits.expected_loss_minus_entropy(10, 0) == 0
        assert gaussian_logits.expected_loss(7, 0) == pytest.approx(math.log(7))
        assert gaussian_logits.expected_loss(1, 2.0) == pytest.approx(0, abs=1e-11)
        wide = gaussian_logits.expected_loss_minus_entropy(10, 30) / 30
        assert wide == pytest.approx(float(maximum.expected_maximum(10)), rel=2e-3)

    def test_the_bound_of_theorem_2_lies_below(self) -> None:
        for scale in (0.1, 1, 3, 10):
            bound = scale * float(maximum.expected_maximum(10)) - math.log(10)
            gap = gaussian_logits.expected_loss_minus_entropy(10, scale) - bound
            assert 0 < gap < math.log(10)


class TestBounds:
    def test_theorem_1_holds_and_is_tight(self) -> None:
        """A linear classifier: logits W x, gradient W^T (p - y)."""
        rng = np.random.default_rng(5)
        for _ in range(50):
            w, x = rng.normal(size=(4, 3)), rng.normal(size=3)
            p = np.exp(w @ x) / np.exp(w @ x).sum()
            gradient = w.T @ (p - np.eye(4)[0])
            bound = float(bounds.theorem_1(-math.log(p[0]), stats.entropy(p), np.linalg.norm(x)))
            assert np.linalg.norm(gradient) >= bound
            assert gradient @ x == pytest.approx(bound * np.linalg.norm(x))

    def test_theorem_2(self) -> None:
        assert bounds.theorem_2([3, 5], [1, 2], 2) == sp.Rational(5, 4)
        assert bounds.theorem_2([3], [1], 2) == bounds.theorem_1(3, 1, 2) == 1
        assert bounds.theorem_2_expected(N, 10, 2) == (N - sp.log(10)) / 2

    def test_largest_of_normals(self) -> None:
        assert maximum.expected_maximum(1) == 0
        assert maximum.expected_maximum(2) == 1 / sp.sqrt(sp.pi)
        assert maximum.expected_maximum(3) == 3 / (2 * sp.sqrt(sp.pi))
        values = [float(maximum.expected_maximum(c)) for c in (10, 100, 1000)]
        assert values == pytest.approx([1.53875, 2.50759, 3.24144], abs=5e-6)

    def test_the_quadrature_agrees_with_the_exact_values(self) -> None:
        for classes in (2, 3):
            assert abs(maximum._quadrature(classes) - maximum.expected_maximum(classes).n(35)) < 1e-28

    def test_thresholds(self) -> None:
        values = [float(maximum.vacuous_below(c)) for c in (2, 3, 10, 100, 1000)]
        assert values == pytest.approx([1.229, 1.298, 1.496, 1.837, 2.131], abs=6e-4)


class TestFixup:
    def test_exponents(self) -> None:
        assert [fixup.fixup_exponent(m) for m in (2, 3, 4)] == [sp.Rational(-1, 2 * m - 2) for m in (2, 3, 4)]
        assert fixup.fixup_scale(16, 3) == sp.Rational(1, 2)

    def test_one_layer_is_singular(self) -> None:
        with pytest.raises(ValueError, match="empty"):
            fixup.fixup_exponent(1)
        with pytest.raises(ValueError, match="layers_per_branch is 0"):
            fixup.fixup_scale(10, 0)

    @pytest.mark.parametrize("exponents", [(0.5, 0.25, 0.1), (0, 1), (0.25, 0.25, 0.25, 0.25), (1, 0.2, 0.3)])
    def test_update_exponent_against_the_slope(self, exponents: tuple[float, ...]) -> None:
        def log_update(log_branches: mpmath.mpf) -> mpmath.mpf:
            total = mpmath.fsum(exponents)
            return mpmath.log(sum(mpmath.exp(-2 * (total - e) * log_branches) for e in exponents))

        slope = (log_update(mpmath.mpf(2000)) - log_update(mpmath.mpf(1000))) / 1000
        assert float(fixup.update_exponent(exponents)) == pytest.approx(float(slope), abs=1e-9)

    def test_the_condition_gives_the_order_one_over_branches(self) -> None:
        exponent = -fixup.fixup_exponent(4)
        assert 3 * exponent == fixup.condition().result == sp.Rational(1, 2)
        assert fixup.update_exponent([exponent] * 4) == -1
        assert fixup.update_exponent([exponent] * 3 + [sp.Integer(5)]) == -1


def sgd(scales: list[sp.Expr], x: sp.Expr, slope: sp.Expr, rate: sp.Expr) -> sp.Expr:
    """Return the exact change of a branch in one step."""
    others = [sp.prod(scales[:i] + scales[i + 1 :]) for i in range(len(scales))]
    return sp.expand(
        sp.prod(a - rate * slope * o * x for a, o in zip(scales, others, strict=True)) * x - sp.prod(scales) * x
    )


class TestScalarBranch:
    RATE = sp.Symbol("r", positive=True)

    @pytest.mark.parametrize("scales", [[3], [2, 5], [1, 2, 3], [1, 2, 3, sp.Rational(1, 4)]])
    def test_first_order(self, scales: list[sp.Expr]) -> None:
        exact = sgd([sp.sympify(a) for a in scales], 7, 2, self.RATE)
        assert scalar_branch.branch_update(scales, 7, 2, self.RATE) == exact.coeff(self.RATE) * self.RATE

    def test_sandwich(self) -> None:
        scales = [sp.Rational(1, 2), 2, 3]
        size = -scalar_branch.branch_update(scales, 5, 1, self.RATE) / self.RATE
        lower, upper = scalar_branch.update_sandwich(scales, 5)
        assert lower < size < upper
        assert upper == 3 * lower == 3 * 15**2 * 4
        assert scalar_branch.update_sandwich([2, 2], 1)[1] == 2 * 4**2 / sp.Integer(4)

    @pytest.mark.parametrize("layers", [2, 3, 4])
    def test_zeroed_is_exact(self, layers: int) -> None:
        scale = sp.Rational(2, 3)
        exact = sgd([scale] * (layers - 1) + [sp.S.Zero], 7, 2, self.RATE)
        assert scalar_branch.zeroed_last_update(scale, layers, 7, 2, self.RATE) == exact

    @pytest.mark.parametrize("layers", [2, 3, 4])
    def test_fixup_moves_each_branch_by_one_over_branches(self, layers: int) -> None:
        scale = fixup.fixup_scale(10, layers)
        moved = scalar_branch.zeroed_last_update(scale, layers, 7, 2, self.RATE)
        assert sp.simplify(moved - scalar_branch.fixup_update(10, 7, 2, self.RATE)) == 0
        all_scaled = scalar_branch.branch_update([scale] * layers, 7, 2, self.RATE)
        assert sp.simplify(all_scaled - layers * moved) == 0
        assert scalar_branch.all_scaled_update(10, layers, 7, 2, self.RATE) == layers * scalar_branch.fixup_update(
            10, 7, 2, self.RATE
        )

    def test_one_layer_moves_by_order_one(self) -> None:
        assert scalar_branch.zeroed_last_update(3, 1, 7, 2, self.RATE) == -98 * self.RATE
