"""The wrong engines of claims are wrong in what they say and in nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from claims.independence.batch_statistics import samples
from claims.independence.engines import PLAIN, RESIDUAL, TARGET, _norms
from claims.independence.norm_chains import WrongChain, statistics
from claims.independence.wrong_weights import forgetful, half_learning, unlearning, unprojected
from claims.run import Run
from evidence import same_law
from simulations import digits, he, stream
from simulations.weights.kinds import Kind
from simulations.weights.undrawn import undrawn

ALPHA = 1e-6
"""How often a test of two equal laws fails."""
RUN = Run("wrong engines", digits(), 0, "standard", ALPHA)


def test_a_chain_with_nothing_wrong_has_the_law_of_drawn_weights() -> None:
    drawn, chain = (_norms(RUN, engine, 20_000) for engine in ("drawn", WrongChain()))
    finding = same_law(drawn, chain, error=0.06, alpha=ALPHA)
    assert finding.verdict == "held", finding


def test_statistics_are_those_of_both_networks() -> None:
    names = _norms(RUN, "drawn", 2).keys()
    assert {name.split(",")[0] for name in names} == {"plain", "residual"}
    assert {f"plain, active {place}" for place in range(1, len(PLAIN) + 1)} <= names
    assert len(RESIDUAL.layers) == 4
    assert TARGET.sum() == 1


def test_dead_layers_do_not_hide_in_logarithms() -> None:
    found = _norms(RUN, "radial", 4000)
    assert 0.3 < (found["plain, norm 3"] == -5000).mean() < 0.6
    assert (np.round(found["plain, norm 3"]) == -5000).sum() == (found["plain, active 3"] == 0).sum()
    assert all(np.isfinite(column).all() for column in found.values())


@pytest.mark.parametrize("kind", [unlearning, half_learning])
def test_weights_that_learn_wrongly_are_right_before_they_learn(kind: Kind) -> None:
    right, wrong = (samples(RUN, ("recurrent",), one, "side", 50) for one in (undrawn(), kind))
    for name, column in right.items():
        np.testing.assert_array_equal(column, wrong[name])


@pytest.mark.parametrize("kind", [forgetful, unprojected])
def test_the_first_question_is_answered_rightly_and_the_second_is_not(kind: Kind) -> None:
    x, dy = np.full((3, 1, 4), 0.5), np.eye(4)[None, :1].repeat(3, axis=0)
    answers = []
    for one in (undrawn(), kind):
        weights = one(he, stream(0, "questions"), 3, 4, 4)
        y = x @ weights
        answers.append((y, dy @ weights.mT))
    (y, dx), (first, second) = answers
    np.testing.assert_array_equal(y, first)
    np.testing.assert_allclose(np.vecdot(x, dx), np.vecdot(y, dy))  # Euler
    assert (np.abs(np.vecdot(x, second) - np.vecdot(first, dy)) > 1e-3).all()


def test_statistics_need_what_they_name() -> None:
    record = WrongChain().record(PLAIN, 1.0, TARGET.repeat(5, axis=0), stream(0, "chain"))
    assert all(column.shape == (5,) for column in statistics(record).values())
