"""What is raced, and what Fathom sets out to reach.

A case is a name, work, contestants and targets. A target is a ratio of times per draw, the median over rounds: the
fastest of the `slower` contestants over the `faster` one must be at least so much; or, for the floor, at most. To add
a case, add it to `RACES`; contestants for other work need only ``run(executors, count, seed)`` (see ``race.py``).
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmarks.speed import fathom, jax_, pytorch
from benchmarks.speed.race import Contestant, race
from benchmarks.speed.teams import Teams
from benchmarks.speed.work import Work
from simulations.engines.choice import Engine

RIVALS = ("PyTorch", "JAX")
DRAWN = ("Fathom drawn", *RIVALS)
UNDRAWN, ACTIVE = "Fathom undrawn", "Fathom active"


@dataclass(frozen=True)
class Target:
    """The time of the fastest of `slower` over that of `faster`: at least `least`, at most `most`."""

    slower: tuple[str, ...]
    faster: str
    least: float | None = None
    most: float | None = None

    def judge(self, contestants: dict[str, Any]) -> dict[str, Any] | None:
        """Return the ratio, its spread over rounds and the verdict; None if one side did not take part."""
        present = [name for name in self.slower if name in contestants]
        if not present or self.faster not in contestants:
            return None
        best = min(present, key=lambda name: float(contestants[name]["median"]))
        rounds = zip(contestants[best]["seconds"], contestants[self.faster]["seconds"], strict=True)
        ratios = [slow / fast for slow, fast in rounds]
        ratio = statistics.median(ratios)
        met = (self.least is None or ratio >= self.least) and (self.most is None or ratio <= self.most)
        return {
            "of": best,
            "against": list(self.slower),
            "over": self.faster,
            "ratio": ratio,
            "spread": [min(ratios), max(ratios)],
            "at least": self.least,
            "at most": self.most,
            "met": met,
        }


@dataclass(frozen=True)
class Case:
    """A race with targets: `contestants` are made for a `work`; a smoke run takes smaller ones."""

    name: str
    title: str
    work: Work
    contestants: Callable[[Work], tuple[Contestant, ...]]
    targets: tuple[Target, ...]
    turn: float = 0.4
    rounds: int = 5

    def run(self, teams: Teams, quick: bool) -> dict[str, Any]:
        """Race, and judge the targets (a smoke run judges none)."""
        case = self.small() if quick else self
        contestants = case.contestants(case.work)
        if quick:  # the first variant stands for all
            contestants = tuple(replace(one, variants=one.variants[:1]) for one in contestants)
        result = race(contestants, teams, case.rounds, case.turn)
        ratios = [one for target in case.targets if (one := target.judge(result["contestants"]))]
        for one in ratios if quick else ():
            one["met"] = None
        return {"title": case.title, "work": asdict(case.work), **result, "ratios": ratios}

    def small(self) -> Case:
        """Return a case of the same shape that takes a second or two."""
        work = replace(self.work, width=max(32, self.work.width // 16), layers=max(4, self.work.layers // 10))
        return replace(self, work=work, turn=0.02, rounds=2)


def _drawn(work: Work) -> tuple[Contestant, ...]:
    return fathom.contestant(work, "drawn"), pytorch.contestant(work), jax_.contestant(work)


def _undrawn(work: Work) -> tuple[Contestant, ...]:
    return fathom.contestant(work, "undrawn"), *_drawn(work)


def _floor(work: Work) -> tuple[Contestant, ...]:
    return fathom.contestant(work, "undrawn"), fathom.floor(work)


def _active(work: Work) -> tuple[Contestant, ...]:
    return fathom.contestant(work, "active"), *_floor(work)


def _active_over_drawn(work: Work) -> tuple[Contestant, ...]:
    return fathom.contestant(work, "active"), *_drawn(work)


def _radial(work: Work) -> tuple[Contestant, ...]:
    return fathom.contestant(work, "radial"), fathom.contestant(work, "drawn")


def _twins(work: Work) -> tuple[Contestant, ...]:
    engines: tuple[Engine, ...] = "radial", "undrawn"
    return *(fathom.contestant(work, engine, ("variances",)) for engine in engines), fathom.floor(work)


def _race_twins(width: int, layers: int) -> Case:
    """Race radial chains that compare twins with the normals that undrawn weights take, which suffice as well."""
    targets = Target(("Fathom radial",), "floor", most=0.8), Target((UNDRAWN,), "Fathom radial", least=2)
    title = "norms and variances over twins"
    return Case(f"twins-{width}", title, Work(width, layers, 1, "float64"), _twins, targets)


def _race_drawn(width: int, layers: int, batch: int, precision: str) -> Case:
    least = {"PyTorch": 1.8 if precision == "float64" else 1.0, "JAX": 2.0}
    targets = [Target((rival,), "Fathom drawn", least=least[rival]) for rival in RIVALS]
    title = "drawn weights, forward and backward"
    name = f"drawn-{width}-{layers}-{batch}-{precision}"
    return Case(name, title, Work(width, layers, batch, precision), _drawn, tuple(targets))


def _race_undrawn(width: int, layers: int, batch: int, least: float) -> Case:
    work = Work(width, layers, batch, "float32")
    target = Target(DRAWN, UNDRAWN, least=least)
    return Case(f"undrawn-{width}-{batch}", "undrawn against the fastest drawn", work, _undrawn, (target,))


def _race_active(width: int, layers: int, least: float) -> Case:
    work, target = Work(width, layers, 1, "float32"), Target(DRAWN, ACTIVE, least=least)
    return Case(f"active-{width}", "active units against the fastest drawn", work, _active_over_drawn, (target,))


def _below_floor(width: int, layers: int, precision: str, *, twice: bool = False) -> Case:
    """Race active units with the normals that undrawn weights take; if `twice`, also ask for half their time."""
    targets = Target((ACTIVE,), "floor", most=0.8), *((Target((UNDRAWN,), ACTIVE, least=0.48 / 0.25),) if twice else ())
    name = f"below-{width}-{precision}"
    return Case(name, "active units over drawing 2nL normals", Work(width, layers, 1, precision), _active, targets)


def _near_floor(width: int, layers: int, batch: int, precision: str, most: float) -> Case:
    target = Target((UNDRAWN,), "floor", most=most)
    name = f"floor-{width}-{batch}-{precision}"
    title = "undrawn over drawing 2nLB normals"
    return Case(name, title, Work(width, layers, batch, precision), _floor, (target,))


RACES: tuple[Case, ...] = (
    _race_drawn(256, 50, 16, "float64"),
    _race_drawn(256, 50, 16, "float32"),
    _race_drawn(1024, 50, 16, "float64"),
    _race_drawn(1024, 50, 16, "float32"),
    _race_drawn(64, 200, 8, "float64"),
    _race_drawn(64, 200, 8, "float32"),
    _race_drawn(512, 100, 1, "float64"),
    _race_drawn(512, 100, 1, "float32"),
    _race_undrawn(256, 50, 1, 100),
    _race_undrawn(1024, 50, 1, 350),
    _race_undrawn(4096, 10, 1, 1000),
    _race_undrawn(1024, 50, 16, 20),
    _near_floor(1024, 50, 1, "float32", 1.5),
    _near_floor(1024, 50, 1, "float64", 1.5),
    _near_floor(16384, 50, 1, "float32", 1.5),
    _near_floor(1_000_000, 50, 1, "float32", 1.5),
    _near_floor(1024, 50, 16, "float32", 3.0),
    _near_floor(1024, 50, 16, "float64", 3.0),
    _race_active(256, 50, 150),
    _race_active(1024, 50, 500),
    _race_active(4096, 10, 2000),
    _below_floor(1024, 50, "float32"),
    _below_floor(1024, 50, "float64"),
    _below_floor(16384, 50, "float32"),
    _below_floor(1_000_000, 50, "float32", twice=True),
    *(_race_twins(width, 50) for width in (256, 1024, 16_384, 1_000_000)),
    Case(
        "radial-1024",
        "radial against drawn, norms only",
        Work(1024, 50, 1, "float64"),
        _radial,
        (Target(("Fathom drawn",), "Fathom radial", least=10_000),),
    ),
)
