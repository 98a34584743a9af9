"""Stochastic gradient descent with momentum and weight decay, on all parameters of a network as one vector.

As in PyTorch: v <- momentum v + (g + decay p), then p <- p - rate v; v starts at 0. Scalars (parameters of one number)
take the rate times a factor: Fixup's authors use 1/10, because the gradient of a scalar is a sum over all features.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simulations.layers.dense import Parameters
from simulations.numbers.arrays import Array

CHUNK = 1 << 15
"""Entries updated at a time, so that they stay in a core's cache between the operations."""

Vector = NDArray[np.float32]


class Flat:
    """Arrays (1, ...) of one network as views into one vector, float32 unless said otherwise, single numbers last."""

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], dtype: np.dtype | type = np.float32) -> None:
        order = sorted(shapes, key=lambda name: math.prod(shapes[name]) == 1)  # stable
        sizes = [math.prod(shapes[name]) for name in order]
        self.scalars = sum(size == 1 for size in sizes)
        self.vector: Vector = np.zeros(sum(sizes), dtype)
        self.views: Parameters = {}
        start = 0
        for name, size in zip(order, sizes, strict=True):
            view: Array = self.vector[start : start + size].reshape(shapes[name])  # type: ignore[assignment]
            self.views[name] = view
            start += size


def _constant(done: float) -> float:
    return 1.0


def _cosine(done: float) -> float:
    return (1 + math.cos(math.pi * done)) / 2


def _steps(done: float) -> float:
    return 1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01


SCHEDULES: dict[str, Callable[[float], float]] = {"constant": _constant, "cosine": _cosine, "steps": _steps}
"""Factors of the rate by the share of the steps that is done: steps divides by 10 at 1/2 and at 3/4."""


class Optimiser(Protocol):
    """What moves the parameters of a network."""

    def velocity(self, parameters: Flat) -> Vector:
        """Return what it remembers of earlier steps, as it is before the first."""

    def update(self, parameters: Flat, gradients: Flat, velocity: Vector, done: float) -> None:
        """Take a step in place, `done` being the share of all steps that were taken before."""


@dataclass(frozen=True)
class Descent:
    """The settings of an optimiser.

    Raises
    ------
    ValueError
        If the rate is not positive and finite, the momentum not in [0, 1), the decay or the scalars' factor negative or
        not finite, or the schedule unknown.
    """

    rate: float
    momentum: float = 0.0
    decay: float = 0.0
    scalar_factor: float = 0.1
    schedule: str = "constant"

    def __post_init__(self) -> None:
        if not 0 < self.rate < math.inf:
            raise ValueError(f"the learning rate must be positive and finite, got {self.rate}")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"the momentum must be at least 0 and below 1, got {self.momentum}")
        for label, number in (("weight decay", self.decay), ("factor of scalars", self.scalar_factor)):
            if not 0 <= number < math.inf:
                raise ValueError(f"the {label} must be at least 0 and finite, got {number}")
        if self.schedule not in SCHEDULES:
            raise ValueError(f"unknown schedule {self.schedule!r}; expected one of {', '.join(SCHEDULES)}")

    def velocity(self, parameters: Flat) -> Vector:
        """Return the velocity before the first step: zeros, or nothing without momentum."""
        return np.zeros(parameters.vector.size if self.momentum else 0, np.float32)

    def update(self, parameters: Flat, gradients: Flat, velocity: Vector, done: float) -> None:
        """Take a step in place, `done` being the share of all steps that were taken before."""
        rate = self.rate * SCHEDULES[self.schedule](done)
        p, g = parameters.vector, gradients.vector
        first_scalar = p.size - parameters.scalars
        scratch = np.empty(CHUNK, np.float32)
        parts = ((0, first_scalar, rate), (first_scalar, p.size, rate * self.scalar_factor))
        for begin, end, part_rate in parts:
            for start in range(begin, end, CHUNK):
                some = slice(start, min(start + CHUNK, end))
                self._move(p[some], g[some], velocity[some], part_rate, scratch[: p[some].size])

    def _move(self, p: Vector, g: Vector, v: Vector, rate: float, change: Vector) -> None:
        """Move p and v in place; `change` is scratch, so that what is large is written once."""
        np.multiply(p, np.float32(self.decay), out=change)
        change += g
        if self.momentum:
            v *= np.float32(self.momentum)
            v += change
            change[:] = v
        change *= np.float32(rate)
        p -= change
