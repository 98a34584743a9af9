"""Moments of one layer and of laws of weights, against enumeration and SciPy's distributions."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import sympy as sp
from scipy import stats

from theory.layer import one_layer

X = sp.Symbol("x", positive=True)


def test_second_moment_counts_rows() -> None:
    """Enumerate every sign matrix: entries 1/2 or -1/2, variance 1/4, and an input with a mean."""
    x = np.array([1.0, 2.0, -0.5])
    signs = (np.reshape(entries, (2, 3)) / 2 for entries in itertools.product((-1, 1), repeat=6))
    exact = np.mean([np.sum((w @ x) ** 2) for w in signs])
    assert float(one_layer.second_moment(2, sp.Rational(1, 4), x @ x)) == pytest.approx(exact)


def test_uniform() -> None:
    law = stats.uniform(-0.7, 1.4)
    assert float(one_layer.uniform_variance(0.7)) == pytest.approx(law.var())
    assert float(one_layer.uniform_fourth_moment(0.7)) == pytest.approx(law.moment(4))
    assert one_layer.uniform_bound(one_layer.uniform_variance(X)) == X
    assert one_layer.uniform_fourth_moment(X) / one_layer.uniform_variance(X) ** 2 == sp.Rational(9, 5)


@pytest.mark.parametrize("cut", [0.5, 2, 3])
def test_truncated(cut: float) -> None:
    law = stats.truncnorm(-cut, cut)
    assert float(one_layer.truncated_variance(cut)) == pytest.approx(law.var())
    assert float(one_layer.truncated_fourth_moment(cut)) == pytest.approx(law.moment(4))


def test_truncated_at_two() -> None:
    assert float(one_layer.truncated_variance(2)) == pytest.approx(0.7737, abs=5e-5)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (one_layer.second_moment, (0, 1, 1), "fan_out is 0"),
        (one_layer.second_moment, (2.5, 1, 1), "fan_out is 2.5"),
        (one_layer.second_moment, (2, -1, 1), "variance is -1"),
        (one_layer.uniform_variance, (0,), "bound is 0"),
        (one_layer.uniform_bound, (-1,), "variance is -1"),
        (one_layer.truncated_variance, (-2,), "cut is -2"),
    ],
)
def test_domain_errors_name_the_argument(
    function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
