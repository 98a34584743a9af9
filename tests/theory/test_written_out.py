"""Averages over written-out networks: each law against quadrature or enumeration, and what they refuse."""

import itertools
import math

import pytest
import sympy as sp

from theory.rules import DerivationError
from theory.symbols import THETA, N
from theory.written_out import (
    WrittenOut,
    at_sizes,
    coin,
    expectation,
    flipped,
    in_the_plane,
    matrix,
    normal,
    normal_unit,
    rectified,
    sign,
    symmetric,
)

X, Y = sp.symbols("x y", real=True)
ROW, MASKS = sp.symbols("w_1 w_2", real=True), sp.symbols("d e", nonnegative=True)
STEPS = 240
"""Points of the trapezium rule in each direction; the edges of the wedges fall on points."""


def polar(along: int, across: int, first: bool, second: bool, angle: float) -> float:
    """Average in polar coordinates: the radius in closed form, the angle by the trapezium rule on each smooth piece."""
    low, high = -math.pi / 2, math.pi / 2
    if second:
        low, high = (angle - math.pi / 2, math.pi / 2) if first else (angle - math.pi / 2, angle + math.pi / 2)
    points = [low + (high - low) * k / STEPS for k in range(STEPS + 1)]
    values = [math.cos(phi) ** along * math.sin(phi) ** across for phi in points]
    weights = [1 if k in (0, STEPS) else 4 if k % 2 else 2 for k in range(STEPS + 1)]  # Simpson's rule
    arc = (high - low) / STEPS / 3 * sum(w * v for w, v in zip(weights, values, strict=True))
    radius = 2 ** ((along + across) / 2) * math.gamma((along + across) / 2 + 1)
    return radius * arc / (2 * math.pi)


@pytest.mark.parametrize(
    "powers", [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (3, 1), (2, 2)], ids=lambda powers: str(powers)
)
@pytest.mark.parametrize("active", [(True, False), (False, True), (True, True)])
def test_moments_in_a_wedge(powers: tuple[int, int], active: tuple[bool, bool]) -> None:
    exact = in_the_plane(*powers, *active, THETA).subs(THETA, 1)
    assert float(exact) == pytest.approx(polar(*powers, *active, 1.0), abs=1e-8)


def test_a_unit_without_masks_is_normal_and_with_one_keeps_half_of_what_is_even() -> None:
    unit = normal_unit(ROW, MASKS, sp.Integer(3), THETA)
    assert unit.moment((2, 2, 0, 0)) == 9
    assert sp.simplify(unit.moment((2, 2, 1, 0)) - sp.Rational(9, 2)) == 0
    assert unit.moment((1, 0, 0, 0)) == 0
    with pytest.raises(ValueError, match="at least two weights"):
        normal_unit(ROW[:1], MASKS, sp.Integer(1), THETA)


def test_a_flipped_unit_is_a_coin_for_even_products_only() -> None:
    unit = flipped(ROW, MASKS[0], symmetric(sp.Integer(2)))
    assert unit.moment((2, 2, 1)) == 2
    assert unit.moment((2, 2, 0)) == 4
    assert unit.moment((1, 0, 0)) == 0
    with pytest.raises(ValueError, match="depends on the input"):
        unit.moment((1, 0, 1))
    with pytest.raises(ValueError, match="known to 2"):
        unit.moment((4, 0, 1))


def test_random_signs_have_atoms_to_which_a_flip_does_not_apply() -> None:
    """At x = (1, 1) half of the rows of signs have w.x = 0, where both masks are 0: a quarter is active, not half."""
    rows = list(itertools.product((-1, 1), repeat=2))
    assert sum(sum(row) > 0 for row in rows) / len(rows) == 0.25


def test_expectations_against_enumeration() -> None:
    (a, b), groups = matrix("s", 1, 2, sign)
    polynomial = (X * a + Y * b + 1) ** 4
    exact = sum(polynomial.subs({a: p, b: q}) for p, q in itertools.product((-1, 1), repeat=2)) / 4
    assert sp.expand(expectation(polynomial, groups) - exact) == 0
    assert sp.expand(expectation(sp.sqrt(X) * polynomial, groups) - sp.sqrt(X) * exact) == 0  # the slow way


def test_moments_of_single_entries() -> None:
    a = sp.Symbol("a", real=True)
    assert expectation(a**4, [normal(sp.Integer(2))(a)]) == 12
    assert expectation(a**3, [coin(sp.Rational(1, 3))(a)]) == sp.Rational(1, 3)
    assert sp.simplify(expectation(a, [rectified(sp.Integer(1))(a)]) - 1 / sp.sqrt(2 * sp.pi)) == 0
    assert expectation(a**2, [rectified(sp.Integer(1))(a)]) == sp.Rational(1, 2)


def test_a_step_is_refused_where_any_size_disagrees() -> None:
    norm = sp.Symbol("|z|^2", nonnegative=True)

    def write(width: int) -> WrittenOut:
        z, groups = matrix("z", width, 1, normal(sp.Integer(1)))
        return WrittenOut({norm: z.dot(z), N: sp.Integer(width)}, groups)

    rule = at_sizes(write, (1,), (2,), (3,))
    assert rule(norm**2, N * (N + 2)) == "3 sizes"
    with pytest.raises(DerivationError, match=r"at the sizes \(3,\)"):
        rule(norm**2, N * (N + 2) + (N - 1) * (N - 2))
    with pytest.raises(DerivationError, match="at the sizes"):
        at_sizes(lambda width: WrittenOut({norm: X**4}, [symmetric(sp.Integer(1))(X)]), (1,))(norm, sp.Integer(3))
