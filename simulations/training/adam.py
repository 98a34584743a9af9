"""Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019), on all parameters of a network as one vector.

As in PyTorch: m <- b1 m + (1 - b1) g and v <- b2 v + (1 - b2) g^2, both starting at 0; at step t = 1, 2, ... then
p <- (1 - rate decay) p - rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulations.training.optimiser import CHUNK, SCHEDULES, Flat, Vector


@dataclass(frozen=True)
class Adam:
    """The settings of the optimiser; with `decay` it is AdamW, whose decay the gradients' size does not change.

    Attributes
    ----------
    warmup : int
        Steps in which the rate rises to its value, in a straight line.

    Raises
    ------
    ValueError
        If the rate or eps is not positive and finite, a beta not in [0, 1), decay or warmup negative, or the schedule
        unknown.
    """

    rate: float
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    decay: float = 0.0
    schedule: str = "constant"
    warmup: int = 0

    def __post_init__(self) -> None:
        for label, number in (("learning rate", self.rate), ("eps", self.eps)):
            if not 0 < number < math.inf:
                raise ValueError(f"the {label} must be positive and finite, got {number}")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"the betas must be at least 0 and below 1, got {self.betas}")
        for label, number in (("weight decay", self.decay), ("warmup", self.warmup)):
            if not 0 <= number < math.inf:
                raise ValueError(f"the {label} must be at least 0 and finite, got {number}")
        if self.schedule not in SCHEDULES:
            raise ValueError(f"unknown schedule {self.schedule!r}; expected one of {', '.join(SCHEDULES)}")

    def velocity(self, parameters: Flat) -> Vector:
        """Return what is remembered before the first step: m, v and the number of steps, all 0."""
        return np.zeros(2 * parameters.vector.size + 1, parameters.vector.dtype)

    def update(self, parameters: Flat, gradients: Flat, velocity: Vector, done: float) -> None:
        """Take a step in place, `done` being the share of all steps that were taken before."""
        velocity[-1] += 1
        t = int(velocity[-1])
        rate = self.rate * SCHEDULES[self.schedule](done) * min(1.0, t / max(self.warmup, 1))
        b1, b2 = self.betas
        p, g = parameters.vector, gradients.vector
        m, v = velocity[: p.size], velocity[p.size : -1]
        length, unbiased = rate / (1 - b1**t), 1 / math.sqrt(1 - b2**t)
        scratch = np.empty(min(CHUNK, p.size), p.dtype)
        for start in range(0, p.size, CHUNK):
            some = slice(start, start + CHUNK)
            here, change = p[some], scratch[: p[some].size]
            np.multiply(g[some], 1 - b1, out=change)
            m[some] *= b1
            m[some] += change
            np.square(g[some], out=change)
            change *= 1 - b2
            v[some] *= b2
            v[some] += change
            np.sqrt(v[some], out=change)
            change *= unbiased
            change += self.eps
            np.divide(m[some], change, out=change)
            change *= length
            if self.decay:
                here *= 1 - rate * self.decay
            here -= change
