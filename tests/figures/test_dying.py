"""Dead nets: measured against expected, and that against the closed form and a Markov chain."""

import math

import numpy as np
import pytest

from figures import dying
from tests.figures.agreement import off, quick
from theory.fluctuations.dying import dead_probability


def test_dying_agrees() -> None:
    """Bernstein's bound, 6 standard errors and 12 / draws: one share leaves it with probability 3e-8, any with 2e-5."""
    table, draws = quick("dying"), 200
    assert len(table) > 300
    assert np.all(off(table) <= 6 * table.numbers("error") + 12 / draws)


def test_dying_expects() -> None:
    table = quick("dying").where(keep=1.0)
    for width, layers in ((2, 8), (4, 1), (6, 32)):
        (expected,) = table.where(width=width, layers=layers)["expected"]
        assert expected == pytest.approx(float(dead_probability([width] * layers)), rel=1e-9)
    assert dying.dead(3, 4, 1.0) == pytest.approx(0.41382, abs=1e-5)


def test_dying_with_dropout_expects_what_its_markov_chain_does() -> None:
    """The number of units that are on, layer by layer, from all that masks and signs can do."""
    width, keep, layers = 4, 0.3, 5
    on = [math.comb(width, k) / 2**width for k in range(width + 1)]
    for _ in range(layers - 1):
        seen = sum(share * (1 - (1 - keep) ** k) for k, share in enumerate(on))
        on = [seen * math.comb(width, k) / 2**width for k in range(width + 1)]
        on[0] += 1 - seen
    assert dying.dead(width, layers, keep) == pytest.approx(on[0], rel=1e-12)
