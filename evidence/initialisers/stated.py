"""What is stated of an initialiser: its fans, the variance and the law of its entries, and how its arrays lie."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from numbers import Integral
from typing import Literal, get_args

import numpy as np
from scipy import stats
from scipy.special import ndtr

from evidence.arrays import Array

Layout = Literal["in_out", "out_in"]
Law = Literal["symmetric", "gaussian", "uniform", "truncated", "sparse", "orthogonal", "zero"]
Variance = float | Callable[[int, int], float]

TRUNCATED = float(stats.truncnorm.var(-2, 2))
"""The variance of a standard normal variable, drawn again until it lies within 2: .774."""
KURTOSIS: dict[str, float] = {"gaussian": 3.0, "uniform": 1.8, "truncated": 2.366}
"""E w^4 / (E w^2)^2 of the laws that have one, or a bound on it."""
CDF: dict[str, Callable[[Array], Array]] = {
    "gaussian": ndtr,
    "uniform": lambda w: np.clip((w / math.sqrt(3) + 1) / 2, 0, 1),
    "truncated": lambda w: (ndtr(np.clip(w * math.sqrt(TRUNCATED), -2, 2)) - ndtr(-2)) / (ndtr(2) - ndtr(-2)),
}
"""Of an entry of variance 1; those of `scipy.stats` take most of an audit's time."""


@dataclass(frozen=True)
class Stated:
    """What an initialiser is said to draw.

    Parameters
    ----------
    fan_in, fan_out : int
        As they are meant; of a depthwise convolution both are the number of the kernel's places.
    variance : float or callable
        Of an entry: a number, or a function of fan_in and fan_out. With ``law="zero"`` it is 0.
    law : str
        "symmetric": any law of independent entries, whose kurtosis is at most `kurtosis`. "gaussian", "uniform" and
        "truncated" (Gaussian, at two deviations, then brought to the stated variance): also that law. "sparse": a share
        `zeros` of the entries is 0, and `kurtosis` is of the others. "orthogonal": as many orthonormal rows or columns
        as fit, times a number. "zero": nothing but 0.
    kurtosis : float
        An upper bound on E w^4 / (E w^2)^2. 3 covers Gaussian, truncated and uniform entries; heavier tails need more.
    zeros : float
        The share of entries that are 0, if the law is "sparse".
    layout : {"in_out", "out_in"}
        Whether outputs are the last axis, as in (fan_in, fan_out), or the first, as in PyTorch.
    shape : tuple of int, optional
        Of an array, of any number of axes; by default (fan_in, fan_out), or the reverse.

    Raises
    ------
    ValueError
        If one of these makes no sense.
    """

    fan_in: int
    fan_out: int
    _: KW_ONLY
    variance: Variance
    law: Law = "symmetric"
    kurtosis: float = 3.0
    zeros: float = 0.0
    layout: Layout = "in_out"
    shape: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        fans = (self.fan_in, self.fan_out)
        if not all(isinstance(fan, Integral) and fan >= 1 for fan in fans):
            raise ValueError(f"expected positive fans, whole numbers, got {self.fan_in} and {self.fan_out}")
        if self.layout not in get_args(Layout):
            raise ValueError(f"layout must be 'in_out' or 'out_in', got {self.layout!r}")
        if self.law not in get_args(Law):
            raise ValueError(f"law must be one of {', '.join(get_args(Law))}, got {self.law!r}")
        if not 1 < self.kurtosis < math.inf:
            raise ValueError(f"kurtosis must be above 1 and finite, got {self.kurtosis}")
        if not (0 < self.zeros < 1 if self.law == "sparse" else self.zeros == 0):
            raise ValueError(f"zeros, a share above 0 and below 1, goes with law='sparse', got {self.zeros}")
        if self.shape is not None and not (len(self.shape) and all(side >= 1 for side in self.shape)):
            raise ValueError(f"shape must have at least one axis, and positive sides, got {self.shape}")
        if not (self.claimed == 0 if self.law == "zero" else 0 < self.claimed < math.inf):
            raise ValueError(f"variance must be positive and finite (0 with law='zero'), got {self.claimed}")

    @property
    def claimed(self) -> float:
        """The variance of an entry, as a number."""
        return float(self.variance(self.fan_in, self.fan_out) if callable(self.variance) else self.variance)

    @property
    def sides(self) -> tuple[int, ...]:
        """The shape of an array."""
        fans = (self.fan_in, self.fan_out)
        return self.shape or (fans if self.layout == "in_out" else fans[::-1])

    @property
    def outputs(self) -> int:
        """The length of the axis of outputs."""
        return self.sides[-1 if self.layout == "in_out" else 0]

    @property
    def inputs(self) -> int:
        """How many entries an output has."""
        return math.prod(self.sides) // self.outputs

    @property
    def of_squares(self) -> float:
        """A bound on the kurtosis of all entries, those that are 0 among them."""
        return KURTOSIS.get(self.law, self.kurtosis) / (1 - self.zeros)
