"""Executors: where calls run, and that workers end with whoever hired them."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from threadpoolctl import threadpool_info

from simulations.executors import ExecutorError, cores, dask, processes, threads

ROOT = Path(__file__).parents[2]


def blas_threads() -> list[int]:
    import numpy as np

    np.ones((2, 2)) @ np.ones((2, 2))
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


@pytest.mark.slow
def test_workers_run_elsewhere_with_one_thread_of_blas_and_ignore_interrupts() -> None:
    assert cores() >= 1
    with processes(2) as crew:
        found = {crew.executor.submit(os.getpid).result() for _ in range(4)}
        assert os.getpid() not in found
        assert crew.workers == 2
        assert set(crew.executor.submit(blas_threads).result()) == {1}
        assert crew.executor.submit(signal.getsignal, signal.SIGINT).result() == signal.SIG_IGN
    with threads(2) as crew:
        assert set(crew.executor.submit(blas_threads).result()) == {1}


def test_workers_end_with_a_parent_that_is_killed() -> None:
    program = (
        "import os, time\nfrom simulations.executors import processes\n"
        "with processes(2) as crew:\n"
        "    print(*{crew.executor.submit(os.getpid).result() for _ in range(20)}, flush=True)\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    workers = [int(number) for number in parent.stdout.readline().split()]
    assert workers
    assert all(alive(worker) for worker in workers)
    parent.kill()
    parent.communicate()
    limit = time.monotonic() + 10
    while any(map(alive, workers)) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not any(map(alive, workers))


def alive(process: int) -> bool:
    """Say whether a process runs; one that has ended and waits to be counted does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(("address", "message"), [("here", "missing port"), ("tcp://127.0.0.1:9", "0.2 s")])
def test_a_scheduler_that_does_not_answer_is_one_line(address: str, message: str) -> None:
    pytest.importorskip("distributed")
    level = logging.getLogger("distributed").level
    with (
        pytest.raises(ExecutorError, match=f"no Dask scheduler answers at '{address}' .*{message}"),
        dask(address, 0.2),
    ):
        pass
    assert logging.getLogger("distributed").level == level


def test_dask_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ExecutorError, match=r"pip install 'fathom-init\[dask\]'"), dask("tcp://127.0.0.1:9"):
        pass
