"""Initialisers: an entry law of mean 0 and variance 1, times a standard deviation that depends on the fans.

An initialiser draws arrays of shape (draws, fan_in, fan_out): independent weight matrices, one a draw, applied as ``x
@ W``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from simulations.numbers.arrays import Array
from simulations.numbers.normals import fill_normal


def gaussian(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw N(0, 1) entries."""
    return fill_normal(rng, np.empty(shape))


def uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw entries uniform between -sqrt(3) and sqrt(3)."""
    entries: Array = rng.random(shape)
    return (entries - 0.5) * math.sqrt(12)


def rademacher(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw entries -1 or 1, each with probability 1/2."""
    size = math.prod(shape)
    bits = np.unpackbits(np.frombuffer(rng.bytes((size + 7) // 8), dtype=np.uint8), count=size)
    return 2 * bits.reshape(shape).astype(np.float64) - 1


def truncated_gaussian(rng: np.random.Generator, shape: tuple[int, ...], *, cut: float = 2.0) -> Array:
    """Draw N(0, 1) entries, again and again until they lie in [-cut, cut]; the variance is then below 1."""
    entries = rng.standard_normal(shape)
    while (outside := np.abs(entries) > cut).any():
        entries[outside] = rng.standard_normal(int(outside.sum()))
    return entries


Law = Callable[[np.random.Generator, tuple[int, ...]], Array]
Variance = Callable[[int, int], float]


@dataclass(frozen=True)
class Initialiser:
    """Independent entries of a `law` with mean 0 and the variance that ``variance(fan_in, fan_out)`` gives."""

    variance: Variance
    law: Law = gaussian
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not (callable(self.variance) and callable(self.law)):
            raise TypeError(
                f"an initialiser needs a variance that is a function of fan_in and fan_out, and a law such as gaussian,"
                f" got {self.variance!r} and {self.law!r}"
            )

    def deviation(self, fan_in: int, fan_out: int) -> float:
        """Return the standard deviation of an entry, for entries of variance 1.

        Raises
        ------
        ValueError
            If the variance at these fans is negative, infinite or NaN.
        """
        variance = self.variance(fan_in, fan_out)
        if not 0 <= variance < math.inf:
            raise ValueError(f"the variance of an initialiser must be finite and not negative, got {variance}")
        return self.scale * math.sqrt(variance)

    def draw(self, rng: np.random.Generator, draws: int, fan_in: int, fan_out: int) -> Array:
        """Draw `draws` weight matrices as one array (draws, fan_in, fan_out).

        Raises
        ------
        ValueError
            If the draws or a fan are below 1.
        """
        if min(draws, fan_in, fan_out) < 1:
            raise ValueError(f"expected at least one draw and fans of at least 1, got {draws}, {fan_in} and {fan_out}")
        deviation = self.deviation(fan_in, fan_out)
        if deviation == 0:
            return np.zeros((draws, fan_in, fan_out))
        weights = self.law(rng, (draws, fan_in, fan_out))
        weights *= deviation
        return weights

    def with_law(self, law: Law) -> Initialiser:
        """Keep the variance and take entries from another law."""
        return replace(self, law=law)

    def scaled(self, factor: float) -> Initialiser:
        """Multiply every entry by `factor` (the variance by its square)."""
        return replace(self, scale=self.scale * factor)


def _he(fan_in: int, fan_out: int) -> float:
    return 2 / fan_in


def _he_fan_out(fan_in: int, fan_out: int) -> float:
    return 2 / fan_out


def _lecun(fan_in: int, fan_out: int) -> float:
    return 1 / fan_in


def _glorot(fan_in: int, fan_out: int) -> float:
    return 2 / (fan_in + fan_out)


def _torch_default(fan_in: int, fan_out: int) -> float:
    return 1 / (3 * fan_in)


def _zero(fan_in: int, fan_out: int) -> float:
    return 0.0


he = Initialiser(_he)
"""He et al. 2015, fan-in: variance 2 / fan_in."""
he_fan_out = Initialiser(_he_fan_out)
"""He et al. 2015, fan-out: variance 2 / fan_out."""
lecun = Initialiser(_lecun)
"""LeCun et al. 1998: variance 1 / fan_in."""
glorot = Initialiser(_glorot)
"""Glorot & Bengio 2010: variance 2 / (fan_in + fan_out)."""
torch_default = Initialiser(_torch_default, law=uniform)
"""The default of PyTorch's Linear: uniform between -1/sqrt(fan_in) and 1/sqrt(fan_in)."""
zero = Initialiser(_zero)
"""All entries 0."""
