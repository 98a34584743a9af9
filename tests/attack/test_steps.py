"""Every step of every derivation is replaced by wrong ones: its rule must refuse them, unless the step is cited."""

from __future__ import annotations

import pytest

from tests.theory.test_derivations import DERIVATIONS, STEPS, corruptions, refuses, verified


@pytest.mark.parametrize(("number", "position"), STEPS)
def test_a_wrong_step_is_refuted(number: int, position: int) -> None:
    derivation, how = DERIVATIONS[number], verified(number)[max(position, 1)]
    for wrong in corruptions(derivation.steps[position].statement):
        assert refuses(derivation, position, wrong) != how.startswith("cited"), wrong
