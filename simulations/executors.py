"""Where calls run: processes or threads of this machine, or a Dask cluster; the same executor interface for all.

Each opens as a context and gives a `Crew`. In every one BLAS keeps to one thread, so that the numbers of a call depend
neither on where it runs nor on what runs beside it. Calls that run elsewhere must be functions of a module.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, NamedTuple, ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

P = ParamSpec("P")
T = TypeVar("T")
PATIENCE = 10.0
"""Seconds that a scheduler and its first worker have to answer."""


class ExecutorError(RuntimeError):
    """There is nowhere to run, with what to do about it."""


class LostExecutorError(ExecutorError):
    """Workers that were there are not any more."""


class Crew(NamedTuple):
    """An executor and the number of calls that it runs at once."""

    executor: Executor
    workers: int


Hire = Callable[[], AbstractContextManager[Crew]]
"""Opens an executor, and again if it broke."""


def cores() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def processes(workers: int) -> Iterator[Crew]:
    """Open worker processes; they leave interrupts to this one, and end with it however it ends."""
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_begin_work)
    try:
        with _interrupts_ignored():  # inherited by the workers, which start here
            for _ in range(workers):
                pool.submit(os.getpid)
        yield Crew(pool, workers)
    except BaseException:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def threads(workers: int) -> Iterator[Crew]:
    """Open threads of this process: nothing to start, but Python code of two calls takes turns."""
    pool = ThreadPoolExecutor(workers)
    with threadpool_limits(1):  # around all calls: limits that calls set and reset would undo each other
        try:
            yield Crew(pool, workers)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def dask(address: str, patience: float = PATIENCE) -> Iterator[Crew]:
    """Connect to the Dask scheduler at `address`, such as ``tcp://10.0.0.1:8786``; needs the extra ``dask``.

    Raises
    ------
    ExecutorError
        If Dask is not installed, the scheduler does not answer within `patience` seconds, it has no worker, or they
        have no Fathom.
    LostExecutorError
        If the scheduler goes away while calls run.
    """
    try:
        distributed = importlib.import_module("distributed")
    except ImportError:
        raise ExecutorError("--dask needs the library distributed: pip install 'fathom-init[dask]'") from None
    # what goes wrong is said below, in one line
    with _quiet("distributed", "distributed.client", "tornado", "tornado.application", "asyncio"):
        yield from _connected(distributed, address, patience)


def _connected(distributed: Any, address: str, patience: float) -> Iterator[Crew]:
    try:  # a client would hang on to an address that is none
        importlib.import_module("distributed.comm").get_address_host_port(address)
        with ThreadPoolExecutor(1) as pool:  # a thread, as this one may have an event loop
            pool.submit(asyncio.run, _answer(distributed, address, patience)).result()
        client = distributed.Client(address, timeout=patience, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ExecutorError(
            f"no Dask scheduler answers at {address!r} ({_line(error)}); start one with 'python -m dask scheduler' and "
            f"give the address that it prints, such as tcp://10.0.0.1:8786"
        ) from None
    try:
        executor = _Limited(client.get_executor(pure=False))
        _see_workers(client, executor, address, patience)
        yield Crew(executor, sum(client.ncores().values()))
    except CancelledError:
        raise LostExecutorError(f"the connection to the Dask scheduler at {address} was lost; start it anew") from None
    finally:
        client.close(timeout=2)


async def _answer(distributed: Any, address: str, patience: float) -> None:
    """Wait for any answer, which a client would do for ever where connections are taken and nothing is said."""
    try:
        async with asyncio.timeout(patience), distributed.rpc(address) as scheduler:
            await scheduler.identity()
    except TimeoutError:
        raise OSError(f"not within {patience:g} s") from None


def _see_workers(client: Any, executor: Executor, address: str, patience: float) -> None:
    """See that there are workers, and that they and the scheduler have Fathom."""
    try:
        client.wait_for_workers(1, timeout=patience)
    except Exception as error:  # its own TimeoutError, or a connection that broke
        raise ExecutorError(
            f"the Dask scheduler at {address} has no worker ({_line(error)}); start one with "
            f"'python -m dask worker {address} --nthreads 1'"
        ) from None
    try:
        client.run(_limit_once)
        executor.submit(os.getpid).result(timeout=patience)
    except CancelledError:
        raise
    except Exception as error:
        raise ExecutorError(
            f"the Dask cluster at {address} cannot run Fathom ({_line(error)}); start scheduler and workers with "
            f"'python -m dask' in Fathom's folder, so that they find it"
        ) from None


class _Limited(Executor):
    """An executor whose workers are not ours: each call first sees to it that BLAS keeps to one thread there."""

    def __init__(self, inner: Executor) -> None:
        self._inner = inner

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return self._inner.submit(_limited, fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._inner.shutdown(wait=wait)


def _limited(function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
    _limit_once()
    return function(*args, **kwargs)


@cache
def _limit_once() -> None:
    threadpool_limits(1)  # for good: a limit that ends with a call would end under the calls beside it


def _begin_work() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit_once()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait until the parent is gone, which a worker would not notice by itself: it waits on a pipe of its own."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # which alone may say so
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _quiet(*loggers: str) -> Iterator[None]:
    before = {name: logging.getLogger(name).level for name in loggers}
    for name in loggers:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
