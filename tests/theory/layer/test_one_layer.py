"""Closed forms against independent oracles: quadrature, SciPy's distributions, and numbers quoted in the literature."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import mpmath
import numpy as np
import pytest
import sympy as sp
from scipy import integrate, special, stats

from theory import expectation
from theory.fluctuations import norms as fluctuations
from theory.layer import one_layer, rectifiers
from theory.plain import glorot
from theory.plain import norms as plain
from theory.residual import total_variance

pytestmark = pytest.mark.filterwarnings("error")
X = sp.Symbol("x", positive=True)


def normal_mean(function: Callable[[float], float], variance: float = 1.0) -> float:
    """Average over N(0, variance) by quadrature, split at the kink."""
    scale = math.sqrt(variance)
    density = stats.norm(scale=scale).pdf
    halves = [(-12 * scale, 0), (0, 12 * scale)]
    parts = (integrate.quad(lambda z: function(z) * density(z), *half, epsabs=0, epsrel=1e-12)[0] for half in halves)
    return math.fsum(parts)


def log_ratio_moment(width: int, power: int) -> float:
    """Average a power of log((2/n) chi^2_K), K ~ Bin(n, 1/2) given K > 0, by quadrature."""
    active = np.arange(1, width + 1)
    weights = stats.binom(width, 0.5).pmf(active) / (1 - 0.5**width)
    law = (stats.chi2(k) for k in active)
    means = [
        integrate.quad(
            lambda u, t=t: (u + math.log(2 / width)) ** power * t.pdf(math.exp(u)) * math.exp(u), -60, 8, limit=400
        )
        for t in law
    ]
    return float(np.dot(weights, [value for value, _ in means]))


class TestExpectation:
    def test_standard_normal_moments(self) -> None:
        assert list(expectation.STANDARD_NORMAL) == [round(stats.norm.moment(k)) if k else 1 for k in range(9)]

    @pytest.mark.parametrize("order", [1, 2, 3, 0.5, 2.5])
    @pytest.mark.parametrize("dof", [1, 4, 9])
    def test_chi_square_moment(self, order: float, dof: int) -> None:
        assert float(expectation.chi_square_moment(order, dof)) == pytest.approx(
            stats.chi2(dof).expect(lambda t: t**order)
        )

    def test_chi_square_without_degrees_of_freedom_is_zero(self) -> None:
        assert expectation.chi_square_moment(2, 0) == 0
        assert expectation.chi_square_moment(0, 0) == 1

    @pytest.mark.parametrize("order", range(5))
    def test_active_units(self, order: int) -> None:
        assert float(expectation.active_moments(7)(order)) == pytest.approx(
            stats.binom(7, 0.5).expect(lambda k: k**order)
        )

    def test_mean_needs_every_moment(self) -> None:
        with pytest.raises(ValueError, match="moment 3"):
            expectation.mean(X**3, {X: (1, 0, 1)})


class TestOneLayer:
    def test_second_moment_counts_rows(self) -> None:
        """Enumerate every sign matrix: entries 1/2 or -1/2, variance 1/4, and an input with a mean."""
        x = np.array([1.0, 2.0, -0.5])
        signs = (np.reshape(entries, (2, 3)) / 2 for entries in itertools.product((-1, 1), repeat=6))
        exact = np.mean([np.sum((w @ x) ** 2) for w in signs])
        assert float(one_layer.second_moment(2, sp.Rational(1, 4), x @ x)) == pytest.approx(exact)

    def test_uniform(self) -> None:
        law = stats.uniform(-0.7, 1.4)
        assert float(one_layer.uniform_variance(0.7)) == pytest.approx(law.var())
        assert float(one_layer.uniform_fourth_moment(0.7)) == pytest.approx(law.moment(4))
        assert one_layer.uniform_bound(one_layer.uniform_variance(X)) == X
        assert one_layer.uniform_fourth_moment(X) / one_layer.uniform_variance(X) ** 2 == sp.Rational(9, 5)

    @pytest.mark.parametrize("cut", [0.5, 2, 3])
    def test_truncated(self, cut: float) -> None:
        law = stats.truncnorm(-cut, cut)
        assert float(one_layer.truncated_variance(cut)) == pytest.approx(law.var())
        assert float(one_layer.truncated_fourth_moment(cut)) == pytest.approx(law.moment(4))

    def test_truncated_at_two(self) -> None:
        assert float(one_layer.truncated_variance(2)) == pytest.approx(0.7737, abs=5e-5)


class TestActivations:
    @pytest.mark.parametrize("order", range(1, 9))
    @pytest.mark.parametrize("slope", [0, 0.2, 1, -1, -2.5])
    def test_leaky_moment(self, order: int, slope: float) -> None:
        oracle = normal_mean(lambda z: (z if z > 0 else slope * z) ** order, 1.7)
        assert float(rectifiers.leaky_moment(order, slope, 1.7)) == pytest.approx(oracle, rel=1e-10, abs=1e-10)

    def test_relu(self) -> None:
        assert rectifiers.relu_mean(X) == sp.sqrt(X / (2 * sp.pi))
        assert rectifiers.relu_second_moment(X) == X / 2
        assert rectifiers.relu_fourth_moment(X) == 3 * X**2 / 2
        assert float(rectifiers.relu_variance(1)) == pytest.approx(0.34085, abs=5e-6)

    def test_the_symmetric_and_the_gaussian_route_agree(self) -> None:
        slope = sp.Symbol("a", real=True)
        assert sp.expand(rectifiers.leaky_second_moment(slope, X) - rectifiers.leaky_moment(2, slope, X)) == 0

    def test_gain(self) -> None:
        gains = [rectifiers.leaky_gain(slope) for slope in (0, 1, -1)]
        assert gains == [sp.sqrt(2), 1, 1]
        assert rectifiers.leaky_gain(sp.sqrt(5)) ** 2 == sp.Rational(1, 3)


class TestPlain:
    def test_layer_factor(self) -> None:
        assert plain.layer_factor(10, sp.Rational(2, 10)) == 1
        assert plain.layer_factor(10, sp.Rational(1, 10), slope=1) == 1
        assert plain.norm_in_depth(sp.Rational(1, 6), 30) == sp.Rational(1, 6) ** 30

    def test_fan_in_he_ends_at_the_ratio_of_widths(self) -> None:
        widths = [5, 9, 4, 7]
        variances = [sp.Rational(2, n) for n in widths[:-1]]
        assert plain.norm_product(widths[1:], variances) == sp.Rational(7, 5)

    def test_fourth_moment_quoted(self) -> None:
        """The input of width 7 does not count."""
        widths = [10, 14, 6, 12]
        assert float(fluctuations.fourth_moment_ratio(widths)) == pytest.approx(5.287, abs=5e-4)
        assert fluctuations.relative_variance(widths) == fluctuations.fourth_moment_ratio(widths) - 1
        width = sp.Symbol("N", integer=True, positive=True)
        assert fluctuations.relu_ratio_moment(2, width) == 1 + 5 / width

    @pytest.mark.parametrize("order", range(1, 7))
    @pytest.mark.parametrize("width", [1, 3, 8])
    def test_ratio_moments(self, order: int, width: int) -> None:
        active = np.arange(width + 1)
        given = [(2 / width) ** order * np.prod(k + 2.0 * np.arange(order)) for k in active]
        oracle = np.dot(stats.binom(width, 0.5).pmf(active), given)
        assert float(fluctuations.relu_ratio_moment(order, width)) == pytest.approx(oracle)

    @pytest.mark.parametrize("width", [2, 10])
    def test_logarithms(self, width: int) -> None:
        assert float(fluctuations.relu_lyapunov(width)) == pytest.approx(log_ratio_moment(width, 1), rel=1e-7)
        assert float(fluctuations.relu_log_second_moment(width)) == pytest.approx(log_ratio_moment(width, 2), rel=1e-7)
        variance = log_ratio_moment(width, 2) - log_ratio_moment(width, 1) ** 2
        assert float(fluctuations.relu_log_variance(width)) == pytest.approx(variance, rel=1e-6)
        assert float(fluctuations.linear_lyapunov(width)) == pytest.approx(
            special.digamma(width / 2) + math.log(2 / width)
        )
        assert float(fluctuations.linear_log_variance(width)) == pytest.approx(special.polygamma(1, width / 2))

    def test_leading_order_of_the_lyapunov_exponent(self) -> None:
        assert float(fluctuations.relu_lyapunov(10)) == pytest.approx(-0.3075, abs=5e-5)
        assert fluctuations.relu_lyapunov_leading(10) == -sp.Rational(1, 4)
        errors = [float(fluctuations.relu_lyapunov(n) - fluctuations.relu_lyapunov_leading(n)) for n in (50, 100)]
        assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)

    def test_depth_forty_width_sixty(self) -> None:
        assert 40 * float(fluctuations.relu_lyapunov(60)) == pytest.approx(-1.714, abs=5e-4)
        assert 40 * float(fluctuations.relu_log_variance(60)) == pytest.approx(3.579, rel=0.01)


class TestGlorot:
    def test_quoted(self) -> None:
        assert glorot.glorot_variance(100, 300) == sp.Rational(1, 200)
        assert glorot.harmonic_mean_of_fans_variance(100, 300) == sp.Rational(1, 150)
        assert glorot.geometric_variance(100, 300) ** 2 == sp.Rational(1, 30000)

    def test_all_agree_at_equal_fans(self) -> None:
        functions = (glorot.glorot_variance, glorot.harmonic_mean_of_fans_variance, glorot.geometric_variance)
        assert {function(64, 64) for function in functions} == {sp.Rational(1, 64)}
        assert glorot.forward_variance(64) == glorot.backward_variance(64) == sp.Rational(1, 64)

    def test_he(self) -> None:
        assert glorot.he_variance(50) == sp.Rational(1, 25)
        assert plain.layer_factor(50, glorot.he_variance(50, slope=X), slope=X).simplify() == 1


class TestTotalVariance:
    def test_against_a_finite_sample_space(self) -> None:
        rng = np.random.default_rng(3)
        joint = rng.dirichlet(np.ones(12)).reshape(3, 4)
        x, branch = rng.normal(size=3), rng.normal(size=(3, 4))
        marginal = joint.sum(axis=1)
        mean = (joint * branch).sum(axis=1) / marginal
        conditional = (joint * branch**2).sum(axis=1) / marginal - mean**2
        covariance = np.cov(np.vstack([x, mean]), aweights=marginal, ddof=0)
        total = x[:, None] + branch
        oracle = (joint * total**2).sum() - (joint * total).sum() ** 2
        parts = (covariance[0, 0], marginal @ conditional, covariance[1, 1], covariance[0, 1])
        assert float(total_variance.total_variance(*parts)) == pytest.approx(oracle)

    def test_relu_branch(self) -> None:
        variance = 2 * 3.0 / 8
        mean = normal_mean(lambda z: 0.3 * max(z, 0), variance)
        square = normal_mean(lambda z: (0.3 * max(z, 0)) ** 2, variance)
        assert float(total_variance.relu_branch_conditional_mean(0.3, 3.0, 8)) == pytest.approx(mean)
        assert float(total_variance.relu_branch_conditional_variance(0.3, 3.0, 8)) == pytest.approx(square - mean**2)

    def test_relu_branch_growth(self) -> None:
        assert float(total_variance.relu_branch_growth(1, 1)) == pytest.approx(2 + 2 / math.sqrt(math.pi))
        x = np.array([1.0, 0.0, 2.0, 0.5])
        square, cosine = x @ x, x.sum() / (2 * math.sqrt(x @ x))
        moments = [normal_mean(lambda z: max(z, 0), square / 2), normal_mean(lambda z: max(z, 0) ** 2, square / 2)]
        oracle = 1 + 2 * 0.1 * x.sum() * moments[0] / square + 0.01 * 4 * moments[1] / square
        assert float(total_variance.relu_branch_growth(0.1, cosine)) == pytest.approx(oracle)


DOMAIN_ERRORS = [
    (one_layer.second_moment, (0, 1, 1), "fan_out is 0"),
    (one_layer.second_moment, (2.5, 1, 1), "fan_out is 2.5"),
    (one_layer.second_moment, (2, -1, 1), "variance is -1"),
    (one_layer.uniform_variance, (0,), "bound is 0"),
    (one_layer.uniform_bound, (-1,), "variance is -1"),
    (one_layer.truncated_variance, (-2,), "cut is -2"),
    (expectation.chi_square_moment, (-1, 3), "order is -1"),
    (expectation.chi_square_moment, (1, -3), "dof is -3"),
    (rectifiers.leaky_moment, (0, 0, 1), "order is 0"),
    (rectifiers.leaky_moment, (2, sp.I, 1), "slope is I"),
    (rectifiers.relu_mean, (-1,), "variance is -1"),
    (rectifiers.leaky_gain, (sp.oo,), "slope is oo"),
    (plain.layer_factor, (-3, 1), "fan_out is -3"),
    (plain.norm_product, ([3], [1, 1]), "variances has 2 entries"),
    (plain.norm_in_depth, (1, -1), "layers is -1"),
    (fluctuations.relu_ratio_moment, (9, 3), "order is 9"),
    (fluctuations.relu_lyapunov, (0,), "width is 0"),
    (glorot.glorot_variance, (0, 3), "fan_in is 0"),
    (total_variance.total_variance, (-1, 0), "variance is -1"),
    (total_variance.relu_branch_growth, (1, 1.5), "cosine is 1.5"),
]


@pytest.mark.parametrize(("function", "arguments", "message"), DOMAIN_ERRORS)
def test_domain_errors_name_the_argument(
    function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)


def test_mpmath_precision_is_left_alone() -> None:
    before = mpmath.mp.dps
    rectifiers.leaky_power().check()
    assert mpmath.mp.dps == before
