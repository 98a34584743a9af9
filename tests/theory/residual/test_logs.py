"""Whole networks, bounds and scalar branches: exact enumeration, quadrature, and numbers quoted in the literature."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import mpmath
import numpy as np
import pytest
import sympy as sp
from scipy import integrate, stats

from theory.fixup import scalar_branch
from theory.fixup import scale as fixup
from theory.homogeneity import bounds, gaussian_logits, maximum, softmax
from theory.plain import backward
from theory.residual import fluctuations as residual_fluctuations
from theory.residual import logs as residual_logs
from theory.residual import norms as residual
from theory.residual import tangent_kernel

pytestmark = pytest.mark.filterwarnings("error")
N, H = sp.symbols("N H", integer=True, positive=True)


def sign_matrices(rows: int, columns: int, scale: float) -> list[np.ndarray]:
    """Return all matrices with entries +-scale, the whole law of Rademacher weights."""
    entries = itertools.product((-scale, scale), repeat=rows * columns)
    return [np.reshape(entry, (rows, columns)) for entry in entries]


class TestBackward:
    def test_factor_by_enumeration(self) -> None:
        """Rademacher weights and random signs for v: exact at any symmetric law."""
        x = np.array([1.0, 0.3])
        squares = [
            np.sum((w.T @ ((w @ x > 0) * np.array(v))) ** 2)
            for w in sign_matrices(3, 2, 0.7)
            for v in itertools.product((-1, 1), repeat=3)
        ]
        assert np.mean(squares) / 3 == pytest.approx(float(backward.backward_factor(2, 0.49)))

    def test_fan_in_and_fan_out(self) -> None:
        assert backward.backward_factor(N, 2 / N) == 1
        assert backward.backward_entry_factor(H, 2 / N) == H / N
        steps = [backward.backward_factor(n, sp.Rational(2, m)) for n, m in itertools.pairwise([5, 9, 4, 7])]
        assert sp.prod(steps) == backward.fan_out_product(5, 7) == sp.Rational(5, 7)

    def test_fixed_ones(self) -> None:
        assert float(backward.fixed_ones_factor(8, 8)) == pytest.approx(1.279, abs=1e-3)
        assert backward.fixed_ones_factor(N, 1) == 1

    def test_relative_variance_is_that_of_its_law(self) -> None:
        """One layer, random signs: (2/n_0) K T_0 with K binomial and T_0 chi-square."""
        count, bottom = stats.binom(7, 0.5), stats.chi2(3)
        second = count.expect(lambda k: k**2) * bottom.expect(lambda t: t**2) * (2 / 3) ** 2
        first = count.mean() * bottom.mean() * 2 / 3
        assert float(backward.backward_relative_variance([7], 3)) == pytest.approx(second / first**2 - 1)

    def test_relative_variance_of_deeper_nets(self) -> None:
        expected = (1 + sp.Rational(1, 7)) * (1 + sp.Rational(5, 8)) * 2 * (1 + sp.Rational(2, 6)) - 1
        assert backward.backward_relative_variance([8, 5, 7], 6) == expected
        ratio = (1 + backward.backward_relative_variance([8, 7], 6, "gaussian")) / (
            1 + backward.backward_relative_variance([8, 7], 6)
        )
        assert ratio == (1 + sp.Rational(5, 7)) / (1 + sp.Rational(1, 7))


class TestResidual:
    def test_growth_by_enumeration(self) -> None:
        """All Rademacher weights of a block of width 2 and two hidden units."""
        x = np.array([1.0, 0.3])
        first, last = sign_matrices(2, 2, math.sqrt(2 / 2)), sign_matrices(2, 2, math.sqrt(1 / 2))
        outputs = np.array([x + b @ np.maximum(a @ x, 0) for a in first for b in last])
        assert np.mean((outputs**2).sum(axis=1)) / (x @ x) == pytest.approx(float(residual.block_growth()))
        variance = outputs.var(axis=0).mean() / (x @ x / 2)
        assert variance == pytest.approx(float(residual.variance_at_fixed_input(1)))

    def test_doubling_tripling_and_depth(self) -> None:
        assert residual.block_growth(residual.branch_gain(1, 1)) == 2
        assert residual.block_growth(residual.branch_gain(1, sp.sqrt(2))) == 3
        assert residual.second_moment_growth(1, 4) == 16
        assert residual.second_moment_growth(2, 3) == residual.backward_growth(2, 3) == 27
        assert sp.limit(residual.second_moment_growth(1 / N, N), N, sp.oo) == sp.E

    def test_variance_is_one_less_than_the_second_moment(self) -> None:
        variances = [residual.variance_at_fixed_input(blocks) for blocks in range(5)]
        assert variances == [0, 1, 3, 7, 15]

    def test_block_ratio_against_its_law(self) -> None:
        n, h, gain = 3, 2, 0.7

        def given(s: float) -> float:
            rho2 = 2 * gain / (n * h) * s
            return float(stats.ncx2(n, 1 / rho2).moment(2)) * rho2**2 if s else 1.0

        weights = stats.binom(h, 0.5).pmf(range(h + 1))
        oracle = weights[0] + sum(
            weights[k] * integrate.quad(lambda s, k=k: given(s) * stats.chi2(k).pdf(s), 1e-12, 80)[0] for k in (1, 2)
        )
        assert float(residual_fluctuations.block_ratio_second_moment(n, h, gain)) == pytest.approx(oracle, rel=1e-4)

    def test_relative_second_moment(self) -> None:
        per_block = residual_fluctuations.growth_relative_second_moment(N, N, 1, 1)
        assert sp.limit((per_block - 1) * N, N, sp.oo) == sp.Rational(11, 4)
        depth_free = residual_fluctuations.growth_relative_second_moment(8, 8, 1 / N, N)
        assert sp.limit(depth_free, N, sp.oo) == sp.exp(sp.Rational(1, 2))

    @pytest.mark.parametrize(
        ("size", "quoted"), [(4, 0.6051576395405787), (8, 0.7798981882765034), (16, 0.8831705132817312)]
    )
    def test_log_ratio_in_thirty_digits(self, size: int, quoted: float) -> None:
        """The quoted values come from a tanh-sinh quadrature of the same integral in 30-digit arithmetic."""
        assert residual_logs.block_log_ratio(size, size) == pytest.approx(quoted, abs=1e-12)

    def test_log_ratio_against_the_noncentral_law(self) -> None:
        """Width 2, one hidden unit: the logarithm is harmonic in the plane: a closed inner mean."""

        def given(rho2: float) -> float:
            """Return E log|1 + rho g|^2 = E_1(1 / (2 rho^2)), by the mean-value property on circles."""
            return float(mpmath.e1(1 / (2 * rho2)))

        scale = 2 / (2 * 1)
        average = integrate.quad(lambda s: given(scale * s**2) * 2 * stats.norm.pdf(s), 1e-6, 12, epsabs=1e-13)[0]
        assert residual_logs.block_log_ratio(2, 1) == pytest.approx(average / 2 / math.log(2), abs=1e-9)

    def test_log_ratio_of_an_almost_silent_branch(self) -> None:
        """For small gain E log R is gain (1 - 2/n) to first order."""
        assert residual_logs.block_log_ratio(6, 5, 1e-5) * math.log(2) == pytest.approx(1e-5 * (1 - 2 / 6), rel=1e-3)


class TestTangentKernel:
    def test_rows_of_the_table(self) -> None:
        blocks = sp.Symbol("B", integer=True, positive=True)
        assert tangent_kernel.branch_trace(5, 6, 3, 1, 1) == 5 * 16 * (sp.Rational(3, 6) + sp.Rational(1, 2))
        assert tangent_kernel.branch_trace(5, 6, 3, 1, 0) == sp.Rational(5, 2)
        assert tangent_kernel.branch_trace(blocks, N, H, 1 / sp.sqrt(blocks), 0) == tangent_kernel.fixup_trace(N, H)
        assert tangent_kernel.fixup_trace(6, 3) == sp.Rational(1, 2)

    def test_one_block_by_its_law(self) -> None:
        """The variance of one block, from S, T and K."""
        n, h, a1, a2 = 5, 3, 0.9, 0.8
        weights = stats.binom(h, 0.5).pmf(range(h + 1))
        first, last = 2 * a1**2 / n, a2**2 / h
        mean = sum(w * k * (first + last) for k, w in enumerate(weights))
        square = sum(w * (2 * k * (first**2 + last**2) + (k * (first + last)) ** 2) for k, w in enumerate(weights))
        bound = tangent_kernel.branch_trace_variance_bound(1, n, h, a1, a2)
        assert float(bound) == pytest.approx(square - mean**2)

    def test_fixup_bound_falls_with_width(self) -> None:
        bound = [tangent_kernel.branch_trace_variance_bound(9, n, n, sp.Rational(1, 3), 0) for n in (10, 20)]
        assert bound == [sp.Rational(5, 10), sp.Rational(5, 20)]


DOMAIN_ERRORS = [
    (backward.backward_factor, (0, 1), "fan_in is 0"),
    (backward.backward_relative_variance, ([], 3), "widths is empty"),
    (backward.backward_relative_variance, ([3], 3, "ones"), "readout is 'ones'"),
    (residual.block_growth, (-1,), "branch_gain is -1"),
    (residual.second_moment_growth, (1, -2), "blocks is -2"),
    (residual_fluctuations.block_ratio_second_moment, (0, 3), "width is 0"),
    (residual_logs.block_log_ratio, (4, 4, 0), "branch_gain is 0"),
    (residual_logs.block_log_ratio, (4, 1.5), "hidden is 1.5"),
    (tangent_kernel.branch_trace, (0, 3, 3, 1, 1), "blocks is 0"),
    (tangent_kernel.branch_trace, (1, 3, 3, -1, 1), "first_scale is -1"),
    (softmax.entropy_bound, (0,), "classes is 0"),
    (softmax.mean_loss_minus_entropy, (0, 0.5), "scale is 0"),
    (gaussian_logits.expected_loss, (10, -1), "scale is -1"),
    (maximum.expected_maximum, (0,), "classes is 0"),
    (maximum.vacuous_below, (1,), "classes is 1"),
    (bounds.theorem_1, (1, 1, 0), "norm is 0"),
    (bounds.theorem_2, ([], [], 1), "0 losses"),
    (bounds.theorem_2, ([1], [1, 2], 1), "1 losses and 2 entropies"),
    (fixup.update_exponent, ([],), "exponents is empty"),
    (scalar_branch.branch_update, ([], 1, 1, 1), "scales is empty"),
    (scalar_branch.branch_update, ([1, 0], 1, 1, 1), "scales is 0"),
    (scalar_branch.all_scaled_update, (5, 1, 1, 1, 1), "layers_per_branch is 1"),
]


@pytest.mark.parametrize(("function", "arguments", "message"), DOMAIN_ERRORS)
def test_domain_errors_name_the_argument(
    function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
