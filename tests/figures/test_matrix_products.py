"""Products of matrices: measured against expected, and that against known exponents."""

import math

import numpy as np
import pytest
from scipy.special import digamma
from scipy.stats import t

from tests.figures.agreement import FALSE_ALARM, quick, within


def test_products_grow_as_derived() -> None:
    rows = quick("matrix_products")
    within(rows.where(panel="size", series="typical"), 100)
    psi_2 = 1 - np.euler_gamma
    slope = (psi_2 + math.log(2)) / 2 / math.log(10)
    assert rows.where(panel="size", series="typical").numbers("expected")[-1] == pytest.approx(100 * slope, rel=1e-12)
    assert rows.where(panel="size", series="root mean square").numbers("expected")[-1] == pytest.approx(
        50 * np.log10(4)
    )
    known = rows.where(panel="spectrum", series="Gaussian", depth=1.0).numbers("expected")
    np.testing.assert_allclose(known, [-0.1352, -0.3283, -0.6352, -1.3283], atol=5e-5)


def test_singular_values_follow_the_exponents() -> None:
    """The mean log of the product of the first i exceeds L times their exponents by at most a constant over depth.

    A volume in fixed directions has the exponents as its mean rate at every depth; that in the best directions is
    larger, but by no more than -log of a minor of a uniformly random orthogonal matrix: sums of log chi's.
    """
    rows, n, draws = quick("matrix_products").where(panel="spectrum", series="Gaussian"), 4, 20

    def log_chi(k: int) -> float:
        return float(digamma(k / 2) / 2)

    total, rate, noise = np.zeros(9), 0.0, np.zeros(9)
    for index in range(1, n + 1):
        some = rows.where(index=index)
        total, rate = total + some.numbers("measured"), rate + some.numbers("expected")[0]
        noise = noise + t.isf(FALSE_ALARM, draws - 1) * some.numbers("error")
        most = sum(log_chi(n - j) - log_chi(index - j) for j in range(index)) / some.numbers("depth")
        assert (total >= rate - noise).all()
        assert (total <= rate + most + noise).all()
    haar = quick("matrix_products").where(panel="spectrum", series="orthogonal")
    assert (haar.numbers("measured") == 0).all()
