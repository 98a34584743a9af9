"""The benchmark of sweeps times real sweeps, and judges by its targets."""

import copy
from typing import Any

import pytest

from benchmarks.sweeps import memory, shares, table
from benchmarks.sweeps.__main__ import main
from benchmarks.sweeps.runs import Timing, alternating, plan_of
from simulations.executors import processes, threads

pytestmark = pytest.mark.slow

pytestmark = pytest.mark.slow


def results() -> dict[str, Any]:
    """Return results that meet every target."""
    compared = {
        "engine": "radial",
        "block": 0.5,
        "block, 2 workers": 0.55,
        "speed-up": [1.9, 1.8, 2.0],
        "overhead": [0.01, 0.0, 0.02],
        "overhead, 2 workers": [0.03, 0.0, 0.05],
    }
    case = {name: {"rate": 1e6, "block": 0.5} for name in ("1 worker", "2 workers", "Dask")}
    large = {"networks": 10**8, "name": "radial", "seconds": 60.0, "sum": 300.0, "largest": 150.0}
    return {
        "machine": {
            "date": "2026-01-01",
            "processor": "one",
            "cores": 2,
            "python": "3.11",
            "versions": {"numpy": "2"},
        },
        "loads": {"large": 0.1, "throughput": 0.9},
        "throughput": {engine: case | {"draws": 500_000, "moments": 0.05} for engine in ("radial", "undrawn", "drawn")},
        "speed-up": [compared],
        "dask": {"driver": 0.003, "scheduler": 0.001},
        "store": {"seconds": 0.003, "processor": 0.001},
        "large": [large | {"sum by fifths": [290.0] * 5}],
    }


def test_targets_are_judged() -> None:
    text = table.text(results())
    assert (text.count("| met |"), text.count("**missed**")) == (3, 0)
    for path, value in (
        (("speed-up", 0, "speed-up"), [1.69, 1.6, 1.9]),
        (("speed-up", 0, "overhead"), [0.05, 0.01, 0.06]),
        (("large", 0, "sum"), 500.0),
    ):
        wrong = copy.deepcopy(results())
        where: Any = wrong
        for key in path[:-1]:
            where = where[key]
        where[path[-1]] = value
        assert table.text(wrong).count("**missed**") == 1


def test_a_busy_machine_is_said_to_be_one() -> None:
    assert "busy" not in table.text(results())
    assert "2.5 (store); **it was busy" in table.text(results() | {"loads": {"store": 2.5}})


def test_what_saturates_first_is_computed() -> None:
    assert table.limits(results()) == pytest.approx({"store": 1000 / 3, "driver": 200, "Dask scheduler": 1000})
    text = table.paper(results())
    # 200 blocks a second of 500,000 networks in 3,600 s; 1,000 cores would do 2,000 blocks a second
    assert "the driver saturates first: one driver feeds about 100 cores" in text
    assert "3.6 * 10^11 radial" in text
    assert "10% of what they could" in text
    assert "into 10 sweeps" in text
    fast = results() | {"dask": {"driver": 1e-4, "scheduler": 1e-4}, "store": {"seconds": 4e-4, "processor": 3e-4}}
    assert "so none saturates" in table.paper(fast)
    assert "the store would be the first to, at 1,250 cores" in table.paper(fast)


def test_overhead_is_what_blocks_do_not_explain() -> None:
    timing = Timing(networks=400, workers=2, seconds=1.1, blocks=(0.5, 0.5, 0.5, 0.5))
    assert timing.overhead == pytest.approx(0.1)
    assert timing.rate == pytest.approx(400 / 1.1)


def test_sweeps_are_timed_block_by_block() -> None:
    plan = plan_of("undrawn", 0.003, blocks=6)
    with threads(1) as one, processes(2) as two:
        found = alternating(plan, {"one": one, "two": two}, rounds=2)
    for name, workers in (("one", 1), ("two", 2)):
        for timing in found[name]:
            assert (timing.workers, len(timing.blocks), timing.networks) == (workers, 6, 6 * plan.parts[0].draws)
            assert 0 < sum(timing.blocks) < workers * timing.seconds


def test_parts_of_the_time_are_parts() -> None:
    assert 0 < shares.moments_share("drawn", 1) < 1
    stored = shares.transactions(3)
    assert 0 < stored["processor"] <= stored["seconds"]


def test_memory_of_all_processes_is_seen() -> None:
    found = memory.sampled(memory.Large("undrawn", 200_000, ("--depth", "10", "--engine", "undrawn")))
    assert found["processes"] >= 3  # the driver and two workers
    assert 20 < found["largest"] < found["sum"] < 2_000
    assert len(found["digest"]) == 64
    with pytest.raises(RuntimeError, match="depth must be"):
        memory.sampled(memory.Large("wrong", 1, ("--depth", "0")))


def test_rounds_are_checked() -> None:
    with pytest.raises(SystemExit):
        main(["--rounds", "0"])
