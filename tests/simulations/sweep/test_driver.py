"""Sweeps from Python: the same numbers to the bit however they come about, and clear errors."""

import os
import signal
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulations.executors import Crew
from simulations.sweep import Grid, Progress, Store, StoreError, SweepError, digest, passes, sweep
from simulations.sweep.block import STREAM_VERSION
from simulations.sweep.driver import open_store, run
from simulations.sweep.moments import BINS
from simulations.sweep.plan import Plan
from tests.simulations.sweep.blocks import GRID, small_block


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_results_are_labelled_arrays() -> None:
    found = sweep(GRID)
    assert {name: size for name, size in found.sizes.items() if size > 1} == {
        "depth": 2,
        "width": 2,
        "position": 4,
        "bin": BINS,
    }
    part = found.sel(depth=2, width=9).squeeze()
    expected = small_block(GRID.cells()[1], 0, 10, 0, ("loss",))["loss"]
    assert (GRID.cells()[1].depth, GRID.cells()[1].width) == (2, 9)
    assert part.loss_count.values.tolist() == [30, 30, 30, 0]  # depth 2 has three positions
    assert np.isnan(part.loss_mean.values[3])
    assert (part.loss_nonfinite.values[:3] == 6).all()
    assert part.loss_histogram.values[:3].sum(axis=1).tolist() == (3 * expected.histogram.sum(axis=1)).tolist()


@pytest.mark.usefixtures("small")
def test_stores_are_one_to_the_bit_however_they_were_filled(tmp_path: Path) -> None:
    sweep(GRID, tmp_path / "one", workers=1)
    with ThreadPoolExecutor(3) as pool:
        sweep(GRID, tmp_path / "three", pool, workers=3)
    sweep(replace(GRID, depth=(3,), draws=10), tmp_path / "grown")
    sweep(replace(GRID, quantities=("loss",)), tmp_path / "grown", extend=True)
    sweep(GRID, tmp_path / "grown", extend=True)
    assert digest(tmp_path / "three") == digest(tmp_path / "grown") == digest(tmp_path / "one")


@pytest.mark.usefixtures("small")
def test_results_depend_on_the_grid_not_on_what_else_is_stored(tmp_path: Path) -> None:
    sweep(replace(GRID, draws=100), tmp_path / "much")
    assert sweep(GRID, tmp_path / "much", extend=True).drop_attrs().identical(sweep(GRID).drop_attrs())


@pytest.mark.usefixtures("small")
def test_what_is_stored_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep(GRID, tmp_path / "a")
    states: list[Progress] = []
    monkeypatch.setattr(passes, "run_block", lambda *job: pytest.fail("ran again"))
    sweep(GRID, tmp_path / "a", progress=states.append)
    assert [(state.done, state.total, state.seconds_left) for state in states] == [(24, 24, 0)]


@pytest.mark.usefixtures("small")
def test_progress_counts_up_to_all() -> None:
    states: list[Progress] = []
    sweep(GRID, progress=states.append, workers=1)
    assert [state.done for state in states] == list(range(25))
    assert states[0].seconds_left == np.inf
    assert states[-1].seconds_left == 0


@pytest.mark.slow
def test_processes_threads_and_one_worker_agree(tmp_path: Path) -> None:
    grid = Grid(depth=(3,), width=(8,), quantities=("second_moment", "correlation"), draws=1)
    with ThreadPoolExecutor(2) as threads:
        sweep(grid, tmp_path / "threads", threads, workers=2)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        sweep(grid, tmp_path / "processes", processes, workers=2)
    sweep(grid, tmp_path / "default", workers=2)
    sweep(grid, tmp_path / "one", workers=1)
    assert len({digest(tmp_path / name) for name in ("threads", "processes", "default", "one")}) == 1


class Failing(Executor):
    """Runs calls at once, and breaks at chosen ones."""

    def __init__(self, breaks: list[int], error: type[BaseException] = BrokenProcessPool) -> None:
        self.breaks, self.error, self.calls = breaks, error, 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.calls += 1
        if self.calls in self.breaks:
            future.set_exception(self.error("a worker died"))
        else:
            future.set_result(fn(*args, **kwargs))
        return future


def executed(executor: Executor, path: Path | None, workers: int = 1) -> None:
    def use() -> AbstractContextManager[Crew]:
        return nullcontext(Crew(executor, workers))

    with open_store(GRID, path, False) as store:
        run(Plan.of(GRID), store, use)


@pytest.mark.usefixtures("small")
def test_a_pool_that_breaks_is_made_anew(tmp_path: Path) -> None:
    executed(Failing([5, 9]), tmp_path / "a", workers=2)
    sweep(GRID, tmp_path / "b")
    assert digest(tmp_path / "a") == digest(tmp_path / "b")


@pytest.mark.usefixtures("small")
def test_a_pool_that_breaks_at_once_is_an_error_and_keeps_what_was_done(tmp_path: Path) -> None:
    with pytest.raises(SweepError, match="workers broke down before they finished a block"):
        executed(Failing(list(range(7, 100))), tmp_path / "a")
    with Store.read(tmp_path / "a") as store:
        assert store.count() == 6
    sweep(GRID, tmp_path / "a")
    sweep(GRID, tmp_path / "b")
    assert digest(tmp_path / "a") == digest(tmp_path / "b")


@pytest.mark.usefixtures("small")
def test_a_block_that_fails_is_named() -> None:
    with pytest.raises(SweepError, match=r"block \d of .*failed \(ZeroDivisionError: a worker died\); what was"):
        executed(Failing([7], ZeroDivisionError), None)


def test_a_worker_with_other_streams_is_refused() -> None:
    with pytest.raises(SweepError, match="give both one Fathom"):
        passes.work(GRID.cells()[0], 0, 1, 0, ("loss",), STREAM_VERSION + 1)


class Held(Executor):
    """Never runs anything."""

    calls = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.calls += 1
        return Future()


@pytest.mark.usefixtures("small")
def test_few_blocks_are_handed_out_and_an_interrupt_ends_them(tmp_path: Path) -> None:
    executor = Held()
    threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        executed(executor, tmp_path / "a", workers=2)
    assert time.monotonic() - start < 5
    assert executor.calls == 6
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("small")
def test_a_full_disk_ends_the_sweep_and_loses_nothing(tmp_path: Path) -> None:
    with open_store(GRID, tmp_path / "a", False) as store:
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(StoreError, match="no room left"):
            run(Plan.of(GRID), store, lambda: nullcontext(Crew(Failing([]), 1)))
        kept = store.count()
    assert 0 < kept < 24
    sweep(GRID, tmp_path / "a")
    sweep(GRID, tmp_path / "b")
    assert digest(tmp_path / "a") == digest(tmp_path / "b")


@pytest.mark.usefixtures("small")
def test_two_drivers_fill_one_store(tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def drive() -> None:
        try:
            sweep(GRID, tmp_path / "a", workers=1)
        except BaseException as error:
            failures.append(error)

    drivers = [threading.Thread(target=drive) for _ in range(3)]
    for driver in drivers:
        driver.start()
    for driver in drivers:
        driver.join()
    assert not failures
    sweep(GRID, tmp_path / "b")
    assert digest(tmp_path / "a") == digest(tmp_path / "b")


def test_another_seed_gives_other_numbers(tmp_path: Path, small: None) -> None:
    sweep(GRID, tmp_path / "a")
    sweep(replace(GRID, seed=1), tmp_path / "b")
    assert digest(tmp_path / "a") != digest(tmp_path / "b")
    with Store.read(tmp_path / "a") as store:
        assert store.identity()["grid"] == {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(GRID).items()}
