"""Bounds on the update of a branch against exact steps in fractions, with zeros and ties."""

import itertools

import pytest
import sympy as sp

from tests.theory.fixup.test_scalar_branch import sgd
from theory.fixup import smallest_scale

SCALES = [
    [sp.Rational(1, 2), sp.Rational(1, 2)],
    [2, 5],
    [0, 3],
    [1, 1, 1],
    [sp.Rational(1, 3), 4, 1],
    [0, 2, 2],
    [0, 0, 2],
    [sp.Rational(1, 10), 1, 2, 2],
]


def rest(scales: list[sp.Expr], x: sp.Expr) -> sp.Expr:
    return abs(sp.prod(sorted(scales)[1:]) * x)


@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("share", [sp.Rational(1, 100), sp.Rational(1, 2)])
def test_steps_lie_within_the_bounds(scales: list[sp.Expr], share: sp.Expr) -> None:
    scales, whole = [sp.sympify(a) for a in scales], sp.prod(map(sp.sympify, scales))
    for x, slope in itertools.product((-3, sp.Rational(1, 2)), (-2, 1)):
        first = abs(sgd(scales, x, slope, sp.Symbol("r")).coeff(sp.Symbol("r")))
        rate = share * abs(whole * x) / first if whole else sp.Rational(3, 7)
        moved = abs(sgd(scales, x, slope, rate)) / rate / abs(slope)
        kept = share if whole else sp.S.Zero
        low, high = smallest_scale.update_bounds(len(scales), rest(scales, x), kept)
        assert low <= moved <= high
        least, most = smallest_scale.rest_from_update(len(scales), 100, moved, kept)
        assert least <= 100 * rest(scales, x) ** 2 <= most


def test_both_bounds_are_reached() -> None:
    assert smallest_scale.update_bounds(3, 2, 0) == (4, 12)
    assert abs(sgd([sp.S.Zero, sp.S(2), sp.S(1)], 1, 1, sp.Rational(1, 2))) * 2 == 4
    assert sgd([sp.S(2)] * 3, sp.Rational(1, 2), 1, sp.Symbol("r")).coeff(sp.Symbol("r")) == -12
    assert smallest_scale.rest_from_update(3, 5, 12, 0) == (20, 60)


def test_a_share_that_is_left_out_vanishes_with_the_step() -> None:
    s = sp.Symbol("s", positive=True)
    assert sp.limit(smallest_scale.share_left_out(s) / s, s, 0) == sp.Rational(1, 2)
    assert smallest_scale.share_left_out(0.0) == 0


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((0, 1, 0), "layers"), ((2, -1, 0), "rest"), ((2, 1, -0.1), "share"), ((1.5, 1, 0), "layers")],
)
def test_refuses(arguments: tuple[float, float, float], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        smallest_scale.update_bounds(*arguments)


@pytest.mark.parametrize(("arguments", "named"), [((2, 0, 1, 0), "branches"), ((2, 1, -1, 0), "moved")])
def test_refuses_the_way_back(arguments: tuple[float, float, float, float], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        smallest_scale.rest_from_update(*arguments)
