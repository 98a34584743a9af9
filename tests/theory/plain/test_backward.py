"""Gradients going backwards, against enumeration of all random-sign weights and the laws of their factors."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import sympy as sp
from scipy import stats

from tests.theory.averages import sign_matrices
from theory.plain import backward, backward_fluctuations

N, H = sp.symbols("N H", integer=True, positive=True)


def test_factor_by_enumeration() -> None:
    """Rademacher weights and random signs for v: exact at any symmetric law."""
    x = np.array([1.0, 0.3])
    squares = [
        np.sum((w.T @ ((w @ x > 0) * np.array(v))) ** 2)
        for w in sign_matrices(3, 2, 0.7)
        for v in itertools.product((-1, 1), repeat=3)
    ]
    assert np.mean(squares) / 3 == pytest.approx(float(backward.backward_factor(2, 0.49)))


def test_fan_in_and_fan_out() -> None:
    assert backward.backward_factor(N, 2 / N) == 1
    assert backward.backward_entry_factor(H, 2 / N) == H / N
    steps = [backward.backward_factor(n, sp.Rational(2, m)) for n, m in itertools.pairwise([5, 9, 4, 7])]
    assert sp.prod(steps) == backward.fan_out_product(5, 7) == sp.Rational(5, 7)


def test_fixed_ones() -> None:
    assert float(backward.fixed_ones_factor(8, 8)) == pytest.approx(1.279, abs=1e-3)
    assert backward.fixed_ones_factor(N, 1) == 1


def test_relative_variance_is_that_of_its_law() -> None:
    """One layer, random signs: (2/n_0) K T_0 with K binomial and T_0 chi-square."""
    count, bottom = stats.binom(7, 0.5), stats.chi2(3)
    second = count.expect(lambda k: k**2) * bottom.expect(lambda t: t**2) * (2 / 3) ** 2
    first = count.mean() * bottom.mean() * 2 / 3
    assert float(backward_fluctuations.backward_relative_variance([7], 3)) == pytest.approx(second / first**2 - 1)


def test_relative_variance_of_deeper_nets() -> None:
    expected = (1 + sp.Rational(1, 7)) * (1 + sp.Rational(5, 8)) * 2 * (1 + sp.Rational(2, 6)) - 1
    assert backward_fluctuations.backward_relative_variance([8, 5, 7], 6) == expected
    ratio = (1 + backward_fluctuations.backward_relative_variance([8, 7], 6, "gaussian")) / (
        1 + backward_fluctuations.backward_relative_variance([8, 7], 6)
    )
    assert ratio == (1 + sp.Rational(5, 7)) / (1 + sp.Rational(1, 7))


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (backward.backward_factor, (0, 1), "fan_in is 0"),
        (backward_fluctuations.backward_relative_variance, ([], 3), "widths is empty"),
        (backward_fluctuations.backward_relative_variance, ([3], 3, "ones"), "readout is 'ones'"),
    ],
)
def test_domain_errors_name_the_argument(
    function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
