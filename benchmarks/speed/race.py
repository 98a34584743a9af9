"""A race: contestants take turns at the same work, and their ratios are taken round by round.

Every variant of a contestant is tried and its fastest enters the rounds, with as many draws a turn as fill a given
time. The order changes from round to round, so a machine that slows down slows all. That the work is the same is
checked on its results: the logarithms of norms at four places must agree (Welch's test), between any contestant and the
first that has norms to show.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.speed.teams import Team, Teams
from benchmarks.speed.work import Array

Run = Callable[[Sequence[Executor], int, int], Array | None]
"""``run(executors, draws, seed)`` does so many draws and returns norms (draws, 2, positions), or None."""
ALARM = 1e-6
"""Probability that contestants who do the same work are called off, in each of four tests a contestant and race."""
HOPELESS = 4.0
"""A variant whose first draws took so many times the best is tried no more."""
MOST = 1 << 20
"""Draws in a turn at most."""


@dataclass(frozen=True)
class Variant:
    """One way to do the work; draws come in multiples of `step`."""

    name: str
    team: Team
    run: Run
    step: int

    def timed(self, teams: Teams, draws: int, seed: int) -> tuple[float, Array | None]:
        """Return seconds a draw, and the norms."""
        executors = teams.get(self.team)
        start = time.perf_counter()
        norms = self.run(executors, draws, seed)
        return (time.perf_counter() - start) / draws, norms


@dataclass(frozen=True)
class Contestant:
    """All variants of who takes part; `library` is what must be installed."""

    name: str
    library: str
    variants: tuple[Variant, ...]

    @property
    def installed(self) -> bool:
        """Say whether it can take part."""
        return importlib.util.find_spec(self.library) is not None


def shared_out(task: Callable[[int, int], Array]) -> Run:
    """Return a run that gives each executor its equal share of the draws, and a seed of its own."""
    return partial(_share_out, task)


def _share_out(task: Callable[[int, int], Array], executors: Sequence[Executor], draws: int, seed: int) -> Array:
    share = draws // len(executors)
    jobs = [one.submit(task, share, seed * len(executors) + index) for index, one in enumerate(executors)]
    return np.concatenate([job.result() for job in jobs])


@dataclass
class Entrant:
    """What is known of a contestant in a race."""

    contestant: Contestant
    variant: Variant
    draws: int
    trials: dict[str, float]
    seconds: list[float] = field(default_factory=list)
    norms: list[Array] = field(default_factory=list)

    def turn(self, teams: Teams, seed: int) -> None:
        """Take a turn."""
        seconds, norms = self.variant.timed(teams, self.draws, seed)
        self.seconds.append(seconds)
        if norms is not None:
            self.norms.append(norms)


def race(contestants: Sequence[Contestant], teams: Teams, rounds: int, turn: float) -> dict[str, Any]:
    """Race those that are installed, turns of `turn` seconds, and return times, variants and faults by name."""
    present = [one for one in contestants if one.installed]
    entrants = [_enter(one, teams, turn) for one in present]
    for number in range(rounds):
        first = number % len(entrants)
        for entrant in entrants[first:] + entrants[:first]:
            entrant.turn(teams, seed=number + 1)
    return {
        "contestants": {
            one.contestant.name: {
                "seconds": one.seconds,
                "median": statistics.median(one.seconds),
                "draws": one.draws,
                "variant": one.variant.name,
                "trials": one.trials,
            }
            for one in entrants
        },
        "not installed": [one.name for one in contestants if not one.installed],
        "different work": differences(
            {one.contestant.name: np.concatenate(one.norms) for one in entrants if one.norms}
        ),
    }


def _enter(contestant: Contestant, teams: Teams, turn: float) -> Entrant:
    """Try every variant: once to warm up, once to see how long it takes, and half a turn if it may be the fastest."""
    trials: dict[str, tuple[float, Variant]] = {}
    for variant in contestant.variants:
        variant.timed(teams, variant.step, seed=0)
        seconds, _ = variant.timed(teams, variant.step, seed=0)
        if seconds < HOPELESS * min((trial[0] for trial in trials.values()), default=np.inf):
            draws = _draws(variant, seconds, turn / 2)
            seconds = min(seconds, variant.timed(teams, draws, seed=0)[0])
        trials[variant.name] = seconds, variant
    seconds, fastest = min(trials.values(), key=lambda trial: trial[0])
    return Entrant(contestant, fastest, _draws(fastest, seconds, turn), {name: one[0] for name, one in trials.items()})


def _draws(variant: Variant, seconds: float, turn: float) -> int:
    """Return how many draws at `seconds` each fill a turn: at least one step, and whole steps."""
    return variant.step * max(1, min(MOST, round(turn / seconds)) // variant.step)


def differences(norms: dict[str, Array]) -> list[str]:
    """Say who did other work than the first: whose norms differ by more than chance, or are not numbers."""
    found: list[str] = []
    logs = {name: _logarithms(some) for name, some in norms.items()}
    for name, values in logs.items():
        if not np.isfinite(values).all() or len(values) < 2:
            found.append(f"{name}: norms are zero or not finite, or too few to compare")
            continue
        reference = next(iter(logs.values()))
        p_values = stats.ttest_ind(values, reference, equal_var=False).pvalue
        if values is not reference and not (p_values > ALARM).all():
            found.append(f"{name}: p-values {', '.join(f'{p:.1e}' for p in p_values)} against {next(iter(logs))}")
    return found


def _logarithms(norms: Array) -> Array:
    """Return the logarithms that are compared, (draws, 4): of states, then cotangents, half the way and all of it."""
    last = norms.shape[2] - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(norms[:, (0, 0, 1, 1), (last // 2, last, last // 2, 0)].astype(np.float64))
