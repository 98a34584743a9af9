"""The first steps of Fixup's recipe, against steps with differences for derivatives."""

import math

import pytest
import sympy as sp

from theory.fixup import recipe

RATE, X, TARGET = 0.3, 1.2, 2.0


def net(v: float, inner: list[list[float]], last: list[float]) -> float:
    return v * math.prod(1 + math.prod(a) * u for a, u in zip(inner, last, strict=True)) * X


@pytest.mark.parametrize(("branches", "m"), [(1, 2), (2, 3), (3, 2), (2, 4)])
def test_steps_by_differences(branches: int, m: int) -> None:
    """The output is affine in each weight, so differences are derivatives."""
    scale = branches ** (-1 / (2 * m - 2))
    weights = [0.0, *[scale] * (branches * (m - 1)), *[0.0] * branches]

    def output(w: list[float]) -> float:
        inner = [w[1 + i * (m - 1) : 1 + (i + 1) * (m - 1)] for i in range(branches)]
        return net(w[0], inner, w[-branches:])

    def gradient(w: list[float]) -> list[float]:
        raised = ([*w[:i], w[i] + 1, *w[i + 1 :]] for i in range(len(w)))
        return [output(one) - output(w) for one in raised]

    slopes: list[float] = []
    for step in range(2):
        slopes.append(output(weights) - TARGET)
        weights = [w - RATE * slopes[-1] * g for w, g in zip(weights, gradient(weights), strict=True)]
        assert output(weights) == pytest.approx(float(recipe.output_after(branches, X, slopes, RATE))), step
    slopes_at = gradient(weights)
    inner, last = (sum(g * g for g in some) for some in (slopes_at[1:-branches], slopes_at[-branches:]))
    move = RATE**2 * slopes[0] * slopes[1] * X**2
    assert inner / last == pytest.approx(float(recipe.inner_gradient_share(branches, m, move)))


def test_limits_in_depth() -> None:
    blocks = sp.Symbol("L", positive=True)
    two = recipe.output_after(blocks, 1, (-1, -1), 1)
    assert sp.limit(two, blocks, sp.oo) == 2 * sp.E
    assert sp.limit(recipe.inner_gradient_share(blocks, 3, 1), blocks, sp.oo) == 0
    assert recipe.inner_gradient_share(blocks, 2, 1) == 1


def test_domain_errors_name_the_argument() -> None:
    with pytest.raises(ValueError, match="3 slopes"):
        recipe.output_after(1, 1, (1, 1, 1), 1)
    with pytest.raises(ValueError, match="layers is 1"):
        recipe.inner_gradient_share(1, 1, 1)
