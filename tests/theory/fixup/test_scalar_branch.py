"""Updates of a branch of scalars against steps of gradient descent in exact fractions."""

import math
from collections.abc import Callable

import pytest
import sympy as sp

from theory.fixup import scalar_branch
from theory.fixup import scale as fixup

RATE = sp.Symbol("r", positive=True)


def sgd(scales: list[sp.Expr], x: sp.Expr, slope: sp.Expr, rate: sp.Expr) -> sp.Expr:
    """Return the exact change of a branch in one step."""
    others = [sp.prod(scales[:i] + scales[i + 1 :]) for i in range(len(scales))]
    return sp.expand(
        sp.prod(a - rate * slope * o * x for a, o in zip(scales, others, strict=True)) * x - sp.prod(scales) * x
    )


@pytest.mark.parametrize("scales", [[3], [2, 5], [1, 2, 3], [1, 2, 3, sp.Rational(1, 4)]])
def test_first_order(scales: list[sp.Expr]) -> None:
    exact = sgd([sp.sympify(a) for a in scales], 7, 2, RATE)
    assert scalar_branch.branch_update(scales, 7, 2, RATE) == exact.coeff(RATE) * RATE


def test_sandwich() -> None:
    scales = [sp.Rational(1, 2), 2, 3]
    size = -scalar_branch.branch_update(scales, 5, 1, RATE) / RATE
    lower, upper = scalar_branch.update_sandwich(scales, 5)
    assert lower < size < upper
    assert upper == 3 * lower == 3 * 15**2 * 4
    assert scalar_branch.update_sandwich([2, 2], 1)[1] == 2 * 4**2 / sp.Integer(4)


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_zeroed_is_exact(layers: int) -> None:
    scale = sp.Rational(2, 3)
    exact = sgd([scale] * (layers - 1) + [sp.S.Zero], 7, 2, RATE)
    assert scalar_branch.zeroed_last_update(scale, layers, 7, 2, RATE) == exact


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_fixup_moves_each_branch_by_one_over_branches(layers: int) -> None:
    scale = fixup.fixup_scale(10, layers)
    moved = scalar_branch.zeroed_last_update(scale, layers, 7, 2, RATE)
    assert sp.simplify(moved - scalar_branch.fixup_update(10, 7, 2, RATE)) == 0
    all_scaled = scalar_branch.branch_update([scale] * layers, 7, 2, RATE)
    assert sp.simplify(all_scaled - layers * moved) == 0
    assert scalar_branch.all_scaled_update(10, layers, 7, 2, RATE) == layers * scalar_branch.fixup_update(
        10, 7, 2, RATE
    )


@pytest.mark.parametrize("slope", [-3.0, 0.2, 4.0])
@pytest.mark.parametrize("scales", [[0.5, 0.8], [1.0, 2.0, 0.3], [0.9] * 6])
def test_the_first_order_is_as_near_as_it_says(scales: list[float], slope: float) -> None:
    for rate in (0.01, 0.1, 1.0):
        branch = 1.5 * math.prod(scales)
        exact = 1.5 * math.prod(a - rate * slope * branch / a for a in scales) - branch
        first = float(scalar_branch.branch_update(scales, 1.5, slope, rate))
        share = abs(first / branch)
        assert abs(exact - first) <= branch * (math.expm1(share) - share) + 1e-15


def test_one_layer_moves_by_order_one() -> None:
    assert scalar_branch.zeroed_last_update(3, 1, 7, 2, RATE) == -98 * RATE


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (scalar_branch.branch_update, ([], 1, 1, 1), "scales is empty"),
        (scalar_branch.branch_update, ([1, 0], 1, 1, 1), "scales is 0"),
        (scalar_branch.all_scaled_update, (5, 1, 1, 1, 1), "layers_per_branch is 1"),
    ],
)
def test_domain_errors_name_the_argument(
    function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
