"""Fixup's rivals and the first step: recursions run in floats, integrals, simulation-free enumeration, and domains."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy as sp
from scipy import integrate, stats

from theory.fixup import one_step
from theory.normalisation import branches as normalised
from theory.residual import rivals

pytestmark = pytest.mark.filterwarnings("error")


class TestRivals:
    @pytest.mark.parametrize(("blocks", "c"), [(1, 1), (5, 2), (30, 0.5)])
    def test_shares_by_recursion(self, blocks: int, c: float) -> None:
        shares = [1.0]
        for block in range(1, blocks + 1):
            square = 1 / (block + c)
            shares = [share * (1 - square) for share in shares] + [square]
        assert math.fsum(shares) == pytest.approx(1)
        assert shares[0] == pytest.approx(float(rivals.shao_start_share(blocks, c)))
        assert shares[1:] == pytest.approx([float(rivals.shao_branch_share(blocks, c))] * blocks)

    def test_nf_book_by_recursion(self) -> None:
        norm = book = 1.0
        for block in range(7):
            assert norm == pytest.approx(float(rivals.nf_variance(block, 0.3)))
            norm, book = norm * (1 + 0.09 / book), book + 0.09
        assert float(rivals.nf_reset(0.3)) == pytest.approx(1.09)

    def test_moments_by_enumeration_of_masks(self) -> None:
        """Chi-square moments given K active units of h, averaged over the binomial law of K."""
        n, h, alpha = 3, 5, 0.8
        active = np.arange(h + 1)
        weights = stats.binom(h, 0.5).pmf(active)
        rho2 = 2 / (n * h) * active
        rho4 = (2 / (n * h)) ** 2 * active * (active + 2)
        reset = n * (n + 2) * (1 / n**2 + 2 * alpha**2 * rho2 / n + alpha**4 * rho4)
        assert weights @ reset == pytest.approx(float(rivals.nf_reset_second_moment(n, h, alpha)))
        update, fourth = weights @ rho2, 3 * weights @ rho4
        assert 4 * update == pytest.approx(float(rivals.multiplier_update(4, n)))
        assert 4 * (fourth - update**2) == pytest.approx(float(rivals.multiplier_variance(4, n, h)))

    def test_domains(self) -> None:
        with pytest.raises(ValueError, match="blocks is 0; expected an integer of at least 1"):
            rivals.shao_branch_share(0, 1)
        with pytest.raises(ValueError, match="c is 0; expected a positive number"):
            rivals.shao_start_share(2, 0)
        with pytest.raises(ValueError, match="alpha is -1"):
            rivals.nf_variance(2, -1)


class TestOneStep:
    @pytest.mark.parametrize("branches", [1, 2, 7, 10_000])
    @pytest.mark.parametrize("step", [1e-6, 0.3, 1.0])
    def test_bounds_hold_at_every_depth(self, branches: int, step: float) -> None:
        low, high = (float(bound) for bound in one_step.fixup_bounds(step))
        moved = -math.expm1(branches * math.log1p(-step / branches)) if step < branches else 1.0
        assert low - 1e-12 <= moved <= high + 1e-12
        assert float(one_step.fixup_change(branches, sp.Float(step, 40))) == pytest.approx(-moved, rel=1e-9)

    def test_by_the_gradient_of_the_chain(self) -> None:
        """Differentiate f = prod (1 + a b_l) x in every scale and take the step, for three branches of two layers."""
        scales, x, rate, slope = sp.symbols("u_1:4 b_1:4"), sp.Rational(3, 2), sp.Rational(1, 5), sp.Rational(2, 3)
        chain = sp.prod(1 + scales[i] * scales[i + 3] for i in range(3)) * x
        for inner, change in ((sp.S.One, one_step.zeroed_change), (1 / sp.sqrt(3), one_step.fixup_change)):
            start = dict(zip(scales, [inner] * 3 + [sp.S.Zero] * 3, strict=True))
            after = {scale: start[scale] - rate * slope * sp.diff(chain, scale).subs(start) for scale in scales}
            moved = chain.subs(after, simultaneous=True) / x - 1
            assert sp.simplify(moved - change(3, rate * slope * x)) == 0

    def test_domains(self) -> None:
        with pytest.raises(ValueError, match="step is 2; expected a number from 0 to 1"):
            one_step.fixup_bounds(2)
        with pytest.raises(ValueError, match="branches is 0"):
            one_step.zeroed_change(0, 0.1)


class TestNormalised:
    def test_gain_of_the_literature(self) -> None:
        assert float(normalised.standardised_gain()) == pytest.approx(1.71286, abs=1e-5)
        assert normalised.centred_second_moment(normalised.standardised_gain()).equals(1)

    def test_relu_moments_by_quadrature(self) -> None:
        def moment(order: int, centre: float = 0.0) -> float:
            value, _ = integrate.quad(
                lambda z: (max(z, 0) - centre) ** order * stats.norm.pdf(z), -12, 12, points=[0.0], epsabs=1e-12
            )
            return float(value)

        mean = moment(1)
        assert mean == pytest.approx(float(normalised.MEAN))
        assert moment(2, mean) == pytest.approx(float(normalised.SPREAD))
        assert moment(4, mean) == pytest.approx(float(normalised.relu_fourth_central_moment()))

    def test_smallest_batches(self) -> None:
        """Two inputs become 1 and -1, three are a point on a circle: 2 Var relu, averaged over its angle."""
        assert normalised.rectified_variance(2) == sp.Rational(1, 2)
        basis = np.array([[1, -1, 0], [1, 1, -2]]) / np.sqrt([[2], [6]])
        angles = (np.arange(60_000) + 0.5) * 2 * np.pi / 60_000
        z = np.sqrt(3) * np.stack([np.cos(angles), np.sin(angles)], axis=1) @ basis
        assert 2 * np.maximum(z, 0).var(axis=1).mean() == pytest.approx(float(normalised.rectified_variance(3)))

    def test_large_batches_tend_to_the_limit(self) -> None:
        assert float(normalised.rectified_limit()) == pytest.approx(1 - 1 / math.pi)
        assert float(normalised.rectified_variance(10**6)) == pytest.approx(1 - 1 / math.pi, abs=1e-5)

    def test_domains(self) -> None:
        with pytest.raises(ValueError, match="batch is 1; expected an integer of at least 2"):
            normalised.rectified_variance(1)
        with pytest.raises(ValueError, match="gain is 0"):
            normalised.centred_second_moment(0)
        assert normalised.stream_variance(sp.Rational(1, 2), 3) == sp.Rational(7, 2)
