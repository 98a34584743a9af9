"""The kernel behind zero last layers against NumPy: Kronecker products, moments by enumeration, the edge."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
import sympy as sp

from theory.fixup import start_kernel


def test_the_largest_eigenvalue_of_a_kronecker_product() -> None:
    rng = np.random.default_rng(0)
    readout, hidden = rng.standard_normal((3, 5)), rng.standard_normal((4, 6))
    outputs, gram = readout @ readout.T, hidden @ hidden.T
    largest = (float(np.linalg.eigvalsh(matrix)[-1]) for matrix in (outputs, gram))
    whole = np.linalg.eigvalsh(np.kron(outputs, gram))[-1]
    assert float(start_kernel.curvature(*largest)) == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize(("blocks", "hidden"), [(1, 1), (1, 3), (2, 2), (3, 2)])
def test_moments_over_all_masks(blocks: int, hidden: int) -> None:
    """Of T chi-square with k degrees E T = k and E T^2 = k (k + 2); k units are active in comb(N, k) of 2^N masks."""
    units, width = blocks * hidden, 5
    mean = sum(Fraction(comb(units, k), 2**units) * k for k in range(units + 1))
    second = sum(Fraction(comb(units, k), 2**units) * k * (k + 2) for k in range(units + 1))
    assert start_kernel.mean_curvature(blocks, width, hidden, 1) == sp.Rational(2, width) * sp.Rational(mean)
    assert start_kernel.relative_variance(blocks, hidden) == sp.Rational(second / mean**2 - 1)


@pytest.mark.parametrize("blocks", [1, 7, 1000])
def test_under_fixup_the_depth_cancels(blocks: int) -> None:
    assert start_kernel.mean_curvature(blocks, 4, 6, 1 / sp.sqrt(blocks)) == sp.Rational(3, 2)
    assert start_kernel.fixup().at(n=4, h=6) == sp.Rational(3, 2)


def test_a_step_at_the_largest_rate_overshoots_by_the_whole_way() -> None:
    assert 1 - start_kernel.largest_rate(3) * 3 == -1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((0, 1, 1, 1), "blocks"), ((1, 1.5, 1, 1), "width"), ((1, 1, -1, 1), "hidden"), ((1, 1, 1, -1), "scale")],
)
def test_refuses(arguments: tuple[float, float, float, float], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        start_kernel.mean_curvature(*arguments)


def test_refuses_curvatures_that_are_none() -> None:
    with pytest.raises(ValueError, match="curvature"):
        start_kernel.largest_rate(0)
    with pytest.raises(ValueError, match="of_gram"):
        start_kernel.curvature(1, -1)
