"""Every step of every derivation is replaced by wrong ones: its rule must refuse them, unless the step is cited.

One test a wrong step, so that the number of tests is the number of wrong steps tried.
"""

from __future__ import annotations

import pytest
import sympy as sp

from tests.theory.test_derivations import DERIVATIONS, corruptions, is_cited, refuses

WRONG = [
    pytest.param(number, position, wrong, id=f"{derivation.title}-{position}-{kind}")
    for number, derivation in enumerate(DERIVATIONS)
    for position, step in enumerate(derivation.steps)
    for kind, wrong in enumerate(corruptions(step.statement))
]


@pytest.mark.parametrize(("number", "position", "wrong"), WRONG)
def test_a_wrong_step_is_refuted(number: int, position: int, wrong: sp.Basic) -> None:
    assert refuses(DERIVATIONS[number], position, wrong) != is_cited(DERIVATIONS[number], position), wrong
