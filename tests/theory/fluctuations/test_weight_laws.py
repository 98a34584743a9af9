"""Deep plain nets: enumeration of all random-sign weights, quadrature, and numbers quoted in the literature."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import sympy as sp
from scipy import integrate, stats

from theory.fluctuations import dying, log_moments, orthogonal_relu, weight_laws
from theory.plain import jacobian_entries, weight_gradients

pytestmark = pytest.mark.filterwarnings("error")
N = sp.Symbol("N", integer=True, positive=True)


def sign_matrices(rows: int, columns: int) -> list[np.ndarray]:
    """Return all matrices of signs."""
    return [np.reshape(entry, (rows, columns)) for entry in itertools.product((-1.0, 1.0), repeat=rows * columns)]


class TestWeightLaws:
    @pytest.mark.parametrize("slope", [0.0, 0.3, -1.0])
    @pytest.mark.parametrize("x", [(1.0, 1.0), (1.0, 0.0), (1.0, 0.3)])
    def test_relative_variance_by_enumeration(self, x: tuple[float, float], slope: float) -> None:
        z = np.array(sign_matrices(3, 2)) @ x
        norms = (np.where(z > 0, z, slope * z) ** 2).sum(axis=1)
        r4 = sum(v**4 for v in x) / sum(v**2 for v in x) ** 2
        expected = float(weight_laws.layer_relative_variance(3, slope, 1, r4))
        assert norms.var() / norms.mean() ** 2 == pytest.approx(expected)

    def test_coefficients_of_the_literature(self) -> None:
        assert weight_laws.layer_relative_variance(N) == 5 / N
        assert weight_laws.layer_relative_variance(N, 1) == 2 / N

    def test_central_moments_by_enumeration(self) -> None:
        z = np.array(sign_matrices(3, 2)) @ (1.0, 0.3)
        ratios = 2 * (np.maximum(z, 0) ** 2).sum(axis=1) / (3 * 1.09)
        inputs = (1, sp.Rational(3, 10))
        square = sp.Rational(109, 100)
        raw = [
            2 ** (k - 1) * weight_laws.pre_activation_moment(2 * k, inputs, weight_laws.SIGNS) / square**k
            for k in (2, 3, 4)
        ]
        second, fourth = weight_laws.central_moments(3, raw)
        assert float(second) == pytest.approx(np.mean((ratios - 1) ** 2))
        assert float(fourth) == pytest.approx(np.mean((ratios - 1) ** 4))

    def test_gaussian_fourth_central(self) -> None:
        """With slope 1 the ratio is chi-square over n."""
        assert float(weight_laws.gaussian_fourth_central(5, 1)) == pytest.approx(
            stats.chi2(5).expect(lambda t: (t / 5 - 1) ** 4)
        )

    def test_uniform_moments(self) -> None:
        for order, moment in enumerate(weight_laws.UNIFORM):
            exact, _ = integrate.quad(lambda w, k=order: w**k / (2 * 3**0.5), -(3**0.5), 3**0.5)
            assert float(moment) == pytest.approx(exact, abs=1e-9)

    @pytest.mark.parametrize("arguments", [(0,), (3, 0, 0.5), (3, 0, 3, 2), (3, 0, 3, 0)])
    def test_domain(self, arguments: tuple[float, ...]) -> None:
        with pytest.raises(ValueError, match="expected"):
            weight_laws.layer_relative_variance(*arguments)


class TestOrthogonal:
    def test_moments_of_one_unit(self) -> None:
        """With one unit the layer is sqrt 2 relu(+-x)."""
        assert [orthogonal_relu.orthogonal_ratio_moment(k, 1) for k in (1, 2, 3, 4)] == [1, 2, 4, 8]

    def test_moments_on_the_circle(self) -> None:
        for order in (1, 2, 3, 4):
            exact, _ = integrate.quad(
                lambda a, k=order: (2 * max(np.cos(a), 0) ** 2 + 2 * max(np.sin(a), 0) ** 2) ** k / (2 * np.pi),
                0,
                2 * np.pi,
                points=[np.pi / 2, np.pi, 3 * np.pi / 2],
            )
            assert float(orthogonal_relu.orthogonal_ratio_moment(order, 2)) == pytest.approx(exact)

    def test_domain(self) -> None:
        with pytest.raises(ValueError, match="order"):
            orthogonal_relu.orthogonal_ratio_moment(5, 2)


class TestDyingAndLogs:
    def test_number_of_the_catalogue(self) -> None:
        assert float(dying.dead_probability([3] * 4)) == pytest.approx(0.4138, abs=1e-4)

    def test_uneven_widths(self) -> None:
        assert dying.dead_probability([3, 2, 2]) == 1 - sp.Rational(7, 8) * sp.Rational(9, 16)

    def test_cumulants_against_quadrature(self) -> None:
        """A mixture over the number of active units of logarithms of chi-square variables."""
        n, units = 5, np.arange(1, 6)
        weights = stats.binom.pmf(units, n, 0.5) / (1 - 0.5**n)

        def average(power: int, shift: float) -> float:
            values = [stats.chi2(k).expect(lambda t: (np.log(2 * t / n) - shift) ** power) for k in units]
            return float(weights @ values)

        mean = average(1, 0.0)
        variance, fourth = average(2, mean), average(4, mean)
        assert float(log_moments.log_mean([n, n])) == pytest.approx(2 * mean)
        assert float(log_moments.log_variance([n, n])) == pytest.approx(2 * variance)
        assert float(log_moments.log_fourth_cumulant([n, n])) == pytest.approx(2 * (fourth - 3 * variance**2), rel=1e-5)

    def test_leading_order(self) -> None:
        assert log_moments.leading_beta([60] * 40) == sp.Rational(10, 3)
        exact = float(log_moments.log_variance([200]))
        assert exact == pytest.approx(5 / 200, rel=0.05)


class TestGradients:
    def test_relu_by_enumeration(self) -> None:
        """Random-sign weights of two layers, 2 -> 1 -> 2, and random signs for v: no pre-activation is a tie of 0."""
        x, sums, count = np.array([1.0, 0.3]), np.zeros(2), 0
        for a, b in itertools.product(sign_matrices(1, 2), 2**0.5 * np.array(sign_matrices(2, 1))):
            hidden = np.maximum(a @ x, 0)
            for v in itertools.product((-1, 1), repeat=2):
                d2 = v * (b @ hidden > 0)
                d1 = (b.T @ d2) * (a @ x > 0)
                sums += np.array([np.sum(np.outer(d1, x) ** 2), np.sum(np.outer(d2, hidden) ** 2)])
                count += 1
        measured = sums / count / (2 * (x @ x))
        assert measured == pytest.approx([float(weight_gradients.relu_weight_gradient([2, 1, 2], k)) for k in (1, 2)])

    def test_ends(self) -> None:
        assert weight_gradients.entry_product(512, 10) == sp.Rational(10, 512)
        assert weight_gradients.entry_product(5, 7) * weight_gradients.unit_product(5, 7) == 1

    def test_linear(self) -> None:
        assert weight_gradients.linear_weight_gradient(N, 1 / (3 * N), 5) == sp.Rational(1, 81)

    def test_relative_variance_of_one_layer(self) -> None:
        count = stats.binom(7, 0.5)
        expected = count.expect(lambda k: k**2) / count.mean() ** 2 - 1
        assert float(weight_gradients.relu_weight_gradient_relative_variance([3, 7])) == pytest.approx(expected)

    def test_domain(self) -> None:
        with pytest.raises(ValueError, match="layer"):
            weight_gradients.relu_weight_gradient([2, 3], 2)


class TestJacobian:
    def test_kurtosis(self) -> None:
        assert float(jacobian_entries.jacobian_kurtosis([12, 10, 8])) == pytest.approx(3 * 17 / 12 * 1.5 * 13 / 8)
        assert jacobian_entries.jacobian_second_moment(sp.Rational(1, 6), 8, 6) == sp.Rational(1, 8)

    def test_row_of_one_entry_has_the_moments_of_its_law(self) -> None:
        """J^2 is g^2 r: eighth over squared fourth moments, 105 / 9 times those of r = (2/n) chi-square of K."""
        units = np.arange(7)
        weights = stats.binom.pmf(units, 6, 0.5)
        second, fourth = (weights @ [stats.chi2(k).moment(order) if k else 0.0 for k in units] for order in (2, 4))
        expected = 105 / 9 * fourth / second**2 - 1
        assert float(jacobian_entries.row_fourth_moment_relative_variance([6], 1)) == pytest.approx(expected)
