"""The wrong active units of U4 are wrong in what they say and in nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from claims.independence.active_units import NETWORKS, WIDTHS, _OneSign, _Positive, _samples, _SixInTen, _Unprojected
from claims.run import Run
from simulations import digits, gaussian, stream
from simulations.engines.active import ActiveUnits

RUN = Run("active units", digits(), 0, "standard", 1e-6)
DRAWS = 4_000


def run(units: type[ActiveUnits], draws: int = DRAWS) -> ActiveUnits:
    return units(NETWORKS["ReLU"], np.full((draws, WIDTHS[0]), 0.5), stream(0, "wrong units"))


def test_both_sides_tell_the_same_statistics_of_both_networks() -> None:
    drawn, active = (_samples(RUN, kind, 5) for kind in (None, ActiveUnits))
    assert list(drawn) == list(active)
    assert all(column.shape == (5,) for column in (*drawn.values(), *active.values()))
    assert all(np.isfinite(column).all() for column in (*drawn.values(), *active.values()))
    assert {name.split(",")[0] for name in drawn} == set(NETWORKS)


def test_more_units_than_half() -> None:
    assert run(_SixInTen).states[1].active.mean() / WIDTHS[1] == pytest.approx(0.6, abs=0.02)
    assert run(ActiveUnits).states[1].active.mean() / WIDTHS[1] == pytest.approx(0.5, abs=0.02)


def test_all_units_or_none() -> None:
    active = run(_OneSign).states[1].active
    assert set(active) == {0, WIDTHS[1]}
    assert active.mean() / WIDTHS[1] == pytest.approx(0.5, abs=0.05)


def test_fresh_parts_of_one_sign() -> None:
    x = run(ActiveUnits).states[1]
    assert (run(_Positive)._fresh(x) >= 0).all()
    assert (run(ActiveUnits)._fresh(x) < 0).mean() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("units", [ActiveUnits, _Unprojected])
def test_without_the_projection_euler_does_not_hold(units: type[ActiveUnits]) -> None:
    one = run(units, 50)
    start = one.start(gaussian)
    below = next(one.back(start))
    alive = one.states[-2].square_norms > 0
    off = np.abs(np.vecdot(one.states[-2].array, below.array) - np.vecdot(one.states[-1].array, start.array))[alive]
    assert (off > 1e-3).mean() > 0.9 if units is _Unprojected else off.max() < 1e-9
