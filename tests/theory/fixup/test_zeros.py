"""Fixup's rules at the start, against steps taken and networks counted by hand."""

import pytest
import sympy as sp

from theory.fixup import rules as fixup_rules
from theory.fixup import zeros as fixup_zeros


@pytest.mark.parametrize(("branches", "layers", "scalars"), [(9, 2, 47), (600, 2, 3002), (16, 3, 114), (50, 3, 352)])
def test_scalars_of_the_authors_networks(branches: int, layers: int, scalars: int) -> None:
    """A block has bias1a to bias2b and scale, or bias1a to bias3b and scale; the network has bias1 and bias2."""
    block = ["scale", *(f"bias{layer}{side}" for layer in range(1, layers + 1) for side in "ab")]
    assert fixup_rules.scalar_count(branches, layers) == len(block) * branches + len(["bias1", "bias2"]) == scalars


def test_scalars_as_a_formula() -> None:
    branches = sp.Symbol("L", integer=True, positive=True)
    assert [sp.expand(fixup_rules.scalar_count(branches, m) - (c * branches + 2)) for m, c in ((2, 5), (3, 7))] == [
        0,
        0,
    ]
    with pytest.raises(ValueError, match="branches is 0"):
        fixup_rules.scalar_count(0, 2)
    with pytest.raises(ValueError, match="layers_per_branch is"):
        fixup_rules.scalar_count(3, 1.5)


def test_start_value() -> None:
    """With a rectifier and numbers, the block equals its value without scalars."""
    rectified = fixup_rules.start().result.replace(sp.Function("phi"), lambda z: sp.Max(z, 0))
    values = {fixup_rules.X: 3, fixup_rules.W1: sp.Rational(1, 2), fixup_rules.W2: -1}
    assert rectified.subs(values) == sp.Rational(3, 2)


@pytest.mark.parametrize("slopes", [(0.4, -0.9, 1.3), (-1.0, 0.2, 0.5)])
def test_three_steps_of_the_toy(slopes: tuple[float, float, float]) -> None:
    rate, x, start = 0.3, 0.7, 1.1
    readout, last, inner = 0.0, 0.0, start
    moved = []
    for step, slope in enumerate(slopes):
        assert [inner == start, last == 0, readout == 0] == [True, step < 2, step < 1]
        towards = ((1 + last * inner) * x, readout * inner * x, readout * last * x)
        readout, last, inner = (
            value - rate * slope * part for value, part in zip((readout, last, inner), towards, strict=True)
        )
        moved.append(inner - start)
    assert moved[-1] == pytest.approx(float(fixup_zeros.first_inner_update(rate, slopes, start, x)), rel=1e-12)


def test_first_steps() -> None:
    assert [fixup_zeros.first_step(zeros) for zeros in range(3)] == [1, 2, 3]
    with pytest.raises(ValueError, match="zeros is -1"):
        fixup_zeros.first_step(-1)
    with pytest.raises(ValueError, match="rate is 0"):
        fixup_zeros.first_inner_update(0, (1, 1, 1), 1, 1)


def test_hidden_units_after_one_step() -> None:
    """The gradient of a linear readout of two units, from zero."""
    rate, slope, cotangent, units = 0.3, -0.4, 1.7, (0.9, 0.2)
    after = [0.0 - rate * slope * cotangent * unit for unit in units]
    assert float(fixup_zeros.last_layer_gap(rate, slope, cotangent, units)) == pytest.approx(after[0] - after[1])
    assert fixup_zeros.last_layer_gap(1, 1, 1, (2, 2)) == 0
    assert fixup_zeros.frozen_update() == 0
