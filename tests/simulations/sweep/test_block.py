"""Blocks: pure, addressed by cell and number alone, of bounded size and memory. No check is of a random outcome."""

import pickle
import tracemalloc
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from simulations import stream
from simulations.sweep import block as blocks
from simulations.sweep.block import SECONDS_A_BLOCK, block_draws, blocks_for, cost, engine_of, run_block
from simulations.sweep.codec import encode
from simulations.sweep.grid import Cell
from simulations.sweep.moments import Moments
from simulations.sweep.quantities import QUANTITIES, groups

pytestmark = pytest.mark.slow

RADIAL = Cell("plain", "he", "relu", 3, 16, "gaussian")
UNDRAWN = Cell("plain", "he", "tanh", 3, 64, "digits")
DRAWN = Cell("residual", "nf", "relu", 2, 16, "signs")
ENGINES = {RADIAL: "radial", UNDRAWN: "undrawn", DRAWN: "drawn"}
FORWARD = ("second_moment",)


def as_bytes(found: dict[str, Moments]) -> dict[str, bytes]:
    return {name: encode(moments) for name, moments in found.items()}


@pytest.mark.parametrize("cell", ENGINES)
def test_engines_are_chosen_for_the_cell(cell: Cell) -> None:
    assert engine_of(cell, FORWARD) == ENGINES[cell]
    assert engine_of(replace(cell, engine="drawn"), FORWARD) == "drawn"


@pytest.mark.parametrize("cell", ENGINES)
def test_a_block_is_the_same_whatever_ran_before_and_with_it(cell: Cell) -> None:
    quantities = ("gradient", "weight_gradient")
    alone = as_bytes(run_block(cell, 3, 70, 1, quantities))
    run_block(cell, 2, 30, 1, quantities)
    assert as_bytes(run_block(cell, 3, 70, 1, quantities)) == alone
    for name in quantities:
        assert as_bytes(run_block(cell, 3, 70, 1, (name,))) == {name: alone[name]}


def test_blocks_cells_and_seeds_have_numbers_of_their_own() -> None:
    others = [(RADIAL, 0, 1), (RADIAL, 1, 0), (replace(RADIAL, logit_scale=2.0), 0, 0), (RADIAL, 0, 0)]
    seen = {as_bytes(run_block(cell, block, 50, seed, FORWARD))["second_moment"] for cell, block, seed in others}
    assert len(seen) == len(others)


def test_simulations_of_a_block_have_streams_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[object, ...]] = []

    def recorded(*address: int | str) -> np.random.Generator:
        opened.append(address)
        return stream(int(address[0]), *address[1:])

    monkeypatch.setattr(blocks, "stream", recorded)
    cut = groups(tuple(name for name, quantity in QUANTITIES.items() if not quantity.homogeneous))
    for group in cut:
        run_block(DRAWN, 0, 2, 0, group)
    assert len(set(opened)) == len(opened) == len(cut)


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_workers_do_not_matter(kind: str) -> None:
    tasks = [(cell, block, 40, 0, FORWARD) for cell in ENGINES for block in range(3)]
    here = [as_bytes(run_block(*task)) for task in tasks]
    pool: Executor = ThreadPoolExecutor(2) if kind == "threads" else ProcessPoolExecutor(2, get_context("spawn"))
    with pool:
        there = [pool.submit(run_block, *task) for task in reversed(tasks)]
        assert [as_bytes(one.result()) for one in reversed(there)] == here


def _threads() -> list[int]:
    run_block(UNDRAWN, 0, 2, 0, FORWARD)
    return [pool["num_threads"] for pool in threadpool_info() if "numpy" in pool["filepath"]]


def test_linear_algebra_of_a_worker_runs_on_one_thread() -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:  # here other tests set and reset limits
        assert pool.submit(_threads).result() == [1]


def test_results_and_tasks_can_be_sent() -> None:
    found = run_block(RADIAL, 0, 20, 0, FORWARD)
    assert as_bytes(pickle.loads(pickle.dumps(found))) == as_bytes(found)
    assert pickle.loads(pickle.dumps((run_block, RADIAL)))[1] == RADIAL


@pytest.mark.parametrize("engine", ["auto", "drawn"])
def test_work_in_parts_counts_every_draw_once(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = replace(RADIAL, engine=engine)
    monkeypatch.setattr(blocks, "draws_at_once", lambda cell, simulation: 16)
    monkeypatch.setattr(blocks, "VALUES_AT_ONCE", 4 * 50)
    monkeypatch.setattr(blocks, "FEW", 1)
    found = run_block(cell, 0, 123, 0, FORWARD)["second_moment"]
    assert found.count.tolist() == [123] * 4
    assert found.histogram.sum() == 4 * 123


def test_a_block_of_fewer_draws_is_the_beginning_of_a_longer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "draws_at_once", lambda cell, simulation: 16)
    seen: list[np.ndarray] = []
    monkeypatch.setattr(blocks, "_moments", lambda name, parts: seen.append(np.concatenate([p[name] for p in parts])))
    run_block(RADIAL, 0, 32, 0, FORWARD)
    run_block(RADIAL, 0, 64, 0, FORWARD)
    np.testing.assert_array_equal(seen[0], seen[1][:32])


def test_draws_follow_from_the_cost_and_make_whole_blocks() -> None:
    for cell in (*ENGINES, replace(RADIAL, depth=2000), replace(DRAWN, width=2048)):
        for group in groups(("second_moment", "gradient", "correlation", "theorem_2_tightness", "step_change")):
            draws = block_draws(cell, group)
            aimed = SECONDS_A_BLOCK / cost(cell, group)
            assert draws == 1 or 0.9 * aimed - 1 <= draws <= aimed
            assert len(str(draws).rstrip("0")) <= 2
            assert (blocks_for(cell, group, draws), blocks_for(cell, group, draws + 1)) == (1, 2)


@pytest.mark.parametrize(
    "cell",
    [
        Cell("plain", "he", "relu", 10, 64, "signs"),
        Cell("plain", "he", "relu", 10, 64, "signs", engine="undrawn"),
        Cell("plain", "he", "relu", 500, 64, "signs"),
        Cell("plain", "he", "tanh", 100, 512, "gaussian"),
    ],
)
def test_memory_does_not_grow_with_the_draws(cell: Cell) -> None:
    draws = block_draws(cell, FORWARD)
    run_block(cell, 0, 2, 0, FORWARD)
    tracemalloc.start()
    run_block(cell, 0, draws, 0, FORWARD)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150e6


def test_a_block_is_of_one_simulation() -> None:
    with pytest.raises(ValueError, match=r"2: second_moment \| gradient; call once for each"):
        run_block(RADIAL, 0, 10, 0, ("second_moment", "gradient"))
    with pytest.raises(ValueError, match="quantities of 0: none"):
        block_draws(RADIAL, ())
    with pytest.raises(ValueError, match="at least one draw, got 0"):
        run_block(RADIAL, 0, 0, 0, FORWARD)


def test_groups_cut_all_quantities_and_lose_none() -> None:
    cut = groups(tuple(QUANTITIES))
    assert sorted(name for group in cut for name in group) == sorted(QUANTITIES)
    assert groups(tuple(reversed(QUANTITIES))) == cut
