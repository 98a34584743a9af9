"""Fixup's scalars, counted by hand, and the value at which a block starts."""

import pytest
import sympy as sp

from theory.fixup import rules
from theory.symbols import X


@pytest.mark.parametrize(("branches", "layers", "scalars"), [(9, 2, 47), (600, 2, 3002), (16, 3, 114), (50, 3, 352)])
def test_scalars_of_the_authors_networks(branches: int, layers: int, scalars: int) -> None:
    """A block has bias1a to bias2b and scale, or bias1a to bias3b and scale; the network has bias1 and bias2."""
    block = ["scale", *(f"bias{layer}{side}" for layer in range(1, layers + 1) for side in "ab")]
    assert rules.scalar_count(branches, layers) == len(block) * branches + len(["bias1", "bias2"]) == scalars


def test_scalars_as_a_formula() -> None:
    branches = sp.Symbol("L", integer=True, positive=True)
    assert [sp.expand(rules.scalar_count(branches, m) - (c * branches + 2)) for m, c in ((2, 5), (3, 7))] == [
        0,
        0,
    ]
    with pytest.raises(ValueError, match="branches is 0"):
        rules.scalar_count(0, 2)
    with pytest.raises(ValueError, match="layers_per_branch is"):
        rules.scalar_count(3, 1.5)


def test_start_value() -> None:
    """With a rectifier and numbers, the block equals its value without scalars."""
    rectified = rules.start().result.replace(sp.Function("phi"), lambda z: sp.Max(z, 0))
    values = {X: 3, rules.W1: sp.Rational(1, 2), rules.W2: -1}
    assert rectified.subs(values) == sp.Rational(3, 2)
