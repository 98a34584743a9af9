"""Formulas of the derivations that lessons show are typeset as they are meant."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
import sympy as sp

from lessons.tools import untranslated
from lessons.tools.server import notebooks

TORN = re.compile(r"[_^]\{[^{}]*(?:\\\||>)\}")
"""An index that ends with a norm or an inner product, which SymPy makes of a name such as ||x_0||^2 without braces."""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "path"), list(notebooks().items()), ids=list(notebooks()))
def test_no_index_holds_the_end_of_a_norm(name: str, path: Path) -> None:
    module = import_module(f"lessons.lesson_{name}")
    for one in untranslated.derivations_of(path, module):
        for step in one.steps:
            assert not TORN.search(sp.latex(step.statement)), one.title


def test_the_search_finds_a_torn_norm() -> None:
    assert TORN.search(sp.latex(sp.Symbol(r"\|x_0\|^2")))
    assert not TORN.search(sp.latex(sp.Symbol(r"\|{x_0}\|^2")))
