"""Fathom's contestants: `measure` on one engine, two processes with BLAS at one thread; and the floor below them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.speed.race import Contestant, Variant
from benchmarks.speed.teams import Team
from benchmarks.speed.work import Array, Work
from simulations import Sampling, mlp, stream
from simulations.engines.choice import Engine
from simulations.engines.request import Extra
from simulations.measure import measure
from simulations.numbers.normals import CHUNK, fill_normal
from simulations.weights.initialisers import gaussian


def prepare(threads: int) -> None:
    """Hold BLAS to `threads` threads in a worker."""
    threadpool_limits(threads)


TEAM = Team(prepare, executors=1, workers=2, threads=1)


def draw_and_measure(
    work: Work, engine: Engine, executors: Sequence[Executor], draws: int, seed: int, extras: tuple[Extra, ...] = ()
) -> Array:
    """Do `draws` draws of the work and return the norms (draws, 2, positions)."""
    record = measure(
        mlp([work.width] * (work.layers + 1)),
        work.inputs,
        draws=draws,
        rng=stream(seed, "speed", engine),
        backward=gaussian,
        engine=engine,
        dtype=np.dtype(work.precision).type,
        executor=executors[0] if executors else None,
        extras=extras,
        sampling=Sampling(batch=work.batch),
    )
    return np.stack([record.square_norms, record.gradient_square_norms], axis=1)


def contestant(work: Work, engine: Engine, extras: tuple[Extra, ...] = ()) -> Contestant:
    """Return Fathom on `engine`: two draws, twins, are its least for each of two processes."""
    run = partial(draw_and_measure, work, engine, extras=extras)
    return Contestant(f"Fathom {engine}", "numpy", (Variant(str(TEAM), TEAM, run, step=4),))


def fill(precision: str, count: int, seed: int) -> None:
    """Draw `count` normals into a buffer that stays in a core's cache."""
    buffer = np.empty(CHUNK[np.dtype(precision)], precision)
    rng = stream(seed, "floor")
    for start in range(0, count, buffer.size):
        fill_normal(rng, buffer[: count - start])


def draw_the_least(work: Work, executors: Sequence[Executor], draws: int, seed: int) -> None:
    """Draw the normals that `draws` draws of the work need, half of them in each process."""
    halves = [executors[0].submit(fill, work.precision, draws * work.normals // 2, 2 * seed + half) for half in (0, 1)]
    for half in halves:
        half.result()


def floor(work: Work) -> Contestant:
    """Return the floor: nothing but the 2nLB normals that undrawn weights need."""
    return Contestant("floor", "numpy", (Variant(str(TEAM), TEAM, partial(draw_the_least, work), step=2),))
