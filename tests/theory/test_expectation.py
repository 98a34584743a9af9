"""Moments of normals, chi-squares and active units against SciPy's laws."""

from collections.abc import Callable

import pytest
import sympy as sp
from scipy import stats

from theory import expectation

X = sp.Symbol("x", positive=True)


def test_standard_normal_moments() -> None:
    assert list(expectation.STANDARD_NORMAL) == [round(stats.norm.moment(k)) if k else 1 for k in range(9)]


@pytest.mark.parametrize("order", [1, 2, 3, 0.5, 2.5])
@pytest.mark.parametrize("dof", [1, 4, 9])
def test_chi_square_moment(order: float, dof: int) -> None:
    assert float(expectation.chi_square_moment(order, dof)) == pytest.approx(stats.chi2(dof).expect(lambda t: t**order))


def test_chi_square_without_degrees_of_freedom_is_zero() -> None:
    assert expectation.chi_square_moment(2, 0) == 0
    assert expectation.chi_square_moment(0, 0) == 1


@pytest.mark.parametrize("order", range(5))
def test_active_units(order: int) -> None:
    assert float(expectation.active_moments(7)(order)) == pytest.approx(stats.binom(7, 0.5).expect(lambda k: k**order))


def test_mean_needs_every_moment() -> None:
    with pytest.raises(ValueError, match="moment 3"):
        expectation.mean(X**3, {X: (1, 0, 1)})


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (expectation.chi_square_moment, (-1, 3), "order is -1"),
        (expectation.chi_square_moment, (1, -3), "dof is -3"),
    ],
)
def test_domain_errors_name_the_argument(
    function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
