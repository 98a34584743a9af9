"""Where a token stands: sinusoids to add (Vaswani et al. 2017), and rotations of queries and keys (Su et al. 2021)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from simulations.numbers.arrays import Array

BASE = 10_000.0


def angles(positions: int, features: int, base: float = BASE, start: int = 0) -> Array:
    """Return position * base^(-2 i / features), (positions, features / 2), from position `start` on.

    Raises
    ------
    ValueError
        If the number of features is odd.
    """
    if features % 2:
        raise ValueError(f"sinusoids and rotations take features in pairs, got {features} features")
    return np.arange(start, start + positions)[:, None] * base ** (-np.arange(0, features, 2) / features)


@lru_cache(maxsize=64)
def sinusoids(positions: int, features: int, base: float = BASE, start: int = 0) -> Array:
    """Return sines in even columns and cosines of the same angles in odd ones: (positions, features), read-only."""
    table = np.empty((positions, features))
    table[:, ::2] = np.sin(angle := angles(positions, features, base, start))
    table[:, 1::2] = np.cos(angle)
    table.flags.writeable = False
    return table


def rotated(x: Array, base: float = BASE, start: int = 0, *, back: bool = False) -> Array:
    """Turn each pair of features (2 i, 2 i + 1) by the position's angle; `back` undoes it, and is the pullback.

    Parameters
    ----------
    x : array (..., positions, features)
    start : int
        Position of the first row.
    """
    positions, features = x.shape[-2:]
    phases = np.exp((-1j if back else 1j) * angles(positions, features, base, start))
    kind = np.result_type(x.dtype, np.complex64)  # twice the width of x
    turned: Array = (np.ascontiguousarray(x).view(kind) * phases.astype(kind)).view(x.dtype)
    return turned
