"""Entropy of attention weights: normal logits on their closed form, and heads of which the small one keeps more."""

import pytest

from tests.figures.agreement import changed, within


@pytest.mark.slow
def test_entropy() -> None:
    table = changed("entropy", keys=[16], scales=[1.0, 4.0], draws=20_000)
    within(table.where(logits="normal"), 2000)
    wide, small = (table.where(logits=f"head of {head}", deviation=4.0).numbers("measured")[0] for head in (64, 2))
    told = table.where(logits="normal", keys=16, deviation=4.0).numbers("expected")[0]
    assert abs(wide - told) < 0.03 < small - told  # at 2,000 draws of standard deviation 0.18
