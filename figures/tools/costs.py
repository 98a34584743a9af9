"""What the engines take: random numbers, counted as they run, and seconds, as the benchmark kept them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from simulations import gaussian, measure, mlp
from simulations.engines.choice import Engine

METHODS = ("standard_normal", "random", "binomial", "standard_gamma", "integers", "bytes")


class Counting(np.random.Generator):
    """A generator that counts the numbers that it gives, also those of the generators spawned from it."""

    given = 0


def _counted(name: str) -> Any:
    real = getattr(np.random.Generator, name)

    def method(self: Counting, *arguments: Any, **options: Any) -> Any:
        numbers = real(self, *arguments, **options)
        Counting.given += np.size(numbers)
        return numbers

    return method


for _name in METHODS:
    setattr(Counting, _name, _counted(_name))


def count(engine: Engine, width: int, layers: int, seed: int) -> int:
    """Return how many random numbers two draws of a net take, forwards and backwards."""
    Counting.given = 0
    rng, network = Counting(np.random.SFC64(seed)), mlp([width] * (layers + 1))
    measure(network, np.ones((1, width)), draws=2, rng=rng, backward=gaussian, extras=(), engine=engine)
    return Counting.given


def timings(results: dict[str, Any]) -> Iterator[tuple[str, int, float, float, float]]:
    """Yield contestant, width, and median, least and most seconds a draw and layer, of one input at a time.

    Only in single precision, but for radial chains, which know double precision alone.
    """
    for name, case in results["cases"].items():
        work = case.get("work", {})
        single = work.get("precision") == "float32" and not name.startswith("drawn")
        if work.get("batch") != 1 or not (single or name.startswith("radial")):
            continue
        for contestant, times in case["contestants"].items():
            if single or contestant == "Fathom radial":
                seconds = times["median"], min(times["seconds"]), max(times["seconds"])
                yield contestant, work["width"], *(one / work["layers"] for one in seconds)
