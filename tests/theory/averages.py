"""Exact averages by other ways than the derivations': all random signs one by one, and quadrature."""

import itertools
import math
from collections.abc import Callable

import numpy as np
from scipy import integrate


def sign_matrices(rows: int, columns: int, scale: float = 1.0) -> list[np.ndarray]:
    """Return all matrices with entries +-scale, the whole law of random-sign weights."""
    entries = itertools.product((-scale, scale), repeat=rows * columns)
    return [np.reshape(entry, (rows, columns)) for entry in entries]


def normal_density(z: float, mean: float = 0.0, scale: float = 1.0) -> float:
    """Return the density of a normal law; SciPy's takes a hundred times as long for a single number."""
    return math.exp(-(((z - mean) / scale) ** 2) / 2) / (scale * math.sqrt(2 * math.pi))


def normal_mean(function: Callable[[float], float], variance: float = 1.0) -> float:
    """Average a function with a kink at 0 over N(0, variance), by quadrature on either side."""
    scale = math.sqrt(variance)
    halves = [(-12 * scale, 0), (0, 12 * scale)]
    parts = (
        integrate.quad(lambda z: function(z) * normal_density(z, 0, scale), *half, epsabs=0, epsrel=1e-12)[0]
        for half in halves
    )
    return math.fsum(parts)
