"""Long formulas are cut between terms and nowhere else, and lose nothing."""

from __future__ import annotations

import re

import pytest
import sympy as sp

from claims.catalogue import REGISTRY
from claims.reports.formula import formula
from claims.reports.wrapping import LONG, pieces

LEFT, RIGHT = (re.compile(rf"\\{side}(?![a-z])") for side in ("left", "right"))


def words(latex: str) -> str:
    return re.sub(r"\\(left|right)(?=[()\[\]])|\s", "", latex)


def test_a_short_formula_is_one_piece() -> None:
    assert pieces("a + b = c") == ["a + b = c"]
    assert 'display="block"' in formula("a + b = c")


def test_where_lines_may_end() -> None:
    long = (
        r"\mathbb E\|x + y\|^2 = -\frac{a + b}{c - d} \left(1 - q\right) + 2 \sum_{k = 1}^{n} x_k,\quad |a - b| \leq c"
    )
    assert pieces(long) == [
        r"\mathbb E\|x + y\|^2 ",
        r"= -\frac{a + b}{c - d} \left(1 - q\right) ",
        r"+ 2 \sum_{k = 1}^{n} x_k,\quad",
        r" |a - b| ",
        r"\leq c",
    ]
    assert formula(long).count("<math ") == 5


def test_what_is_wider_than_a_line_is_cut_in_its_brackets() -> None:
    terms = " + ".join(rf"a_{{{k}}} b_{{{k}}}" for k in range(30))
    found = pieces(rf"\frac{{\partial}}{{\partial W}} \left({terms}\right)")
    assert len(found) == 30
    assert max(map(len, found)) < 60


@pytest.mark.slow
def test_nothing_of_any_formula_is_lost_and_every_piece_is_balanced() -> None:
    shown = [claim.states for claim in REGISTRY.values()]
    derivations = {derive for claim in REGISTRY.values() for derive in claim.derivations}
    shown += [sp.latex(step.statement) for derive in derivations for step in derive().steps]
    cut = 0
    for latex in shown:
        parts = pieces(latex)
        assert words("".join(parts)) == words(latex)
        assert len(parts) == 1 or len(latex) >= LONG
        assert all(
            part.count("{") == part.count("}") and len(LEFT.findall(part)) == len(RIGHT.findall(part)) for part in parts
        )
        cut += len(parts) > 1
    assert cut > 200
