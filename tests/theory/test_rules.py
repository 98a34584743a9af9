"""What the rules that verify steps refuse."""

import pytest
import sympy as sp

from theory.rules import DerivationError, at_least, dropping, equal, numerically, solving


def test_rules_refuse_statements_of_another_kind() -> None:
    x = sp.Symbol("x", positive=True)
    with pytest.raises(DerivationError):
        equal(sp.Eq(x, 1), x)
    with pytest.raises(DerivationError):
        solving(x)(sp.Eq(x, 2), x)
    with pytest.raises(DerivationError):
        dropping(-x)(x, at_least(x, 2 * x))
    with pytest.raises(DerivationError):
        numerically(sp.sqrt(x), sp.sqrt(x) * (1 + sp.Float("1e-20", 40)))


def test_signs_are_sampled_where_a_symbol_may_be_negative() -> None:
    x = sp.Symbol("x", real=True)
    with pytest.raises(DerivationError):
        equal(sp.Abs(x), x)
