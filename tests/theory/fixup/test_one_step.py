"""The change of the output in one step, against the gradient of the chain."""

import math

import pytest
import sympy as sp

from theory.fixup import one_step


@pytest.mark.parametrize("branches", [1, 2, 7, 10_000])
@pytest.mark.parametrize("step", [1e-6, 0.3, 1.0])
def test_bounds_hold_at_every_depth(branches: int, step: float) -> None:
    low, high = (float(bound) for bound in one_step.fixup_bounds(step))
    moved = -math.expm1(branches * math.log1p(-step / branches)) if step < branches else 1.0
    assert low - 1e-12 <= moved <= high + 1e-12
    assert float(one_step.fixup_change(branches, sp.Float(step, 40))) == pytest.approx(-moved, rel=1e-9)


def test_by_the_gradient_of_the_chain() -> None:
    """Differentiate f = prod (1 + a b_l) x in every scale and take the step, for three branches of two layers."""
    scales, x, rate, slope = sp.symbols("u_1:4 b_1:4"), sp.Rational(3, 2), sp.Rational(1, 5), sp.Rational(2, 3)
    chain = sp.prod(1 + scales[i] * scales[i + 3] for i in range(3)) * x
    for inner, change in ((sp.S.One, one_step.zeroed_change), (1 / sp.sqrt(3), one_step.fixup_change)):
        start = dict(zip(scales, [inner] * 3 + [sp.S.Zero] * 3, strict=True))
        after = {scale: start[scale] - rate * slope * sp.diff(chain, scale).subs(start) for scale in scales}
        moved = chain.subs(after, simultaneous=True) / x - 1
        assert sp.simplify(moved - change(3, rate * slope * x)) == 0


def test_domains() -> None:
    with pytest.raises(ValueError, match="step is 2; expected a number from 0 to 1"):
        one_step.fixup_bounds(2)
    with pytest.raises(ValueError, match="branches is 0"):
        one_step.zeroed_change(0, 0.1)
