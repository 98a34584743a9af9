"""Teams: processes that stay, with a fixed number of threads each, so that contestants don't touch each other.

A team is a list of executors. A contestant that shares out work itself has one executor with several workers; one that
is told its share has several executors of one worker.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from types import TracebackType

Prepare = Callable[[int], None]


@dataclass(frozen=True)
class Team:
    """`executors` of `workers` processes each, every one told by ``prepare(threads)`` how many threads to take."""

    prepare: Prepare
    executors: int
    workers: int
    threads: int

    def __str__(self) -> str:
        processes = self.executors * self.workers
        return f"{processes} process{'es' * (processes > 1)} x {self.threads} thread{'s' * (self.threads > 1)}"


class Teams:
    """The teams of a run, started when first asked for and ended together."""

    def __init__(self) -> None:
        self._running: dict[Team, list[ProcessPoolExecutor]] = {}

    def __enter__(self) -> Teams:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for executors in self._running.values():
            for executor in executors:
                executor.shutdown(wait=True, cancel_futures=True)

    def get(self, team: Team) -> Sequence[Executor]:
        """Return the executors of `team`, all of whose workers are up."""
        if team not in self._running:
            spawn = multiprocessing.get_context("spawn")  # forked children of a threaded process may hang
            self._running[team] = [
                ProcessPoolExecutor(team.workers, mp_context=spawn, initializer=team.prepare, initargs=(team.threads,))
                for _ in range(team.executors)
            ]
            naps = [one.submit(time.sleep, 0.2) for one in self._running[team] for _ in range(team.workers)]
            for nap in naps:
                nap.result()
        return self._running[team]
