"""Arguments of the wrong kind, told before anything is drawn, with what was expected."""

from __future__ import annotations

import os
from numbers import Integral

import numpy as np

from simulations.layers.network import Network


def check_network(network: object) -> None:
    """Raise TypeError unless this is a network."""
    if not isinstance(network, Network):
        raise TypeError(
            f"expected a Network, as mlp(...) and residual_mlp(...) return or Network((layer, ...)) makes, got "
            f"{type(network).__name__}"
        )


def check_generator(rng: object) -> None:
    """Raise TypeError unless these are random numbers that can be told apart by seed and name."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy Generator, such as stream(0, 'mine'), got {type(rng).__name__}")


def check_draws(draws: object, numbers: int) -> None:
    """Raise unless these are draws that can be held.

    Parameters
    ----------
    numbers : int
        How many numbers are recorded of each.

    Raises
    ------
    ValueError
        If it is no whole number of at least 1.
    MemoryError
        If the record would be larger than this machine's memory.
    """
    if not isinstance(draws, Integral):
        raise ValueError(f"expected a whole number of draws, got draws={draws!r}")
    if draws < 1:
        raise ValueError(f"expected at least one draw, got draws={draws}")
    needed = 8.0 * int(draws) * numbers
    if needed > _memory():
        raise MemoryError(
            f"a record of {draws:,} draws takes {needed / 1e9:,.0f} GB, more than this machine has; ask for fewer, or "
            f"use simulations.sweep, which keeps moments only"
        )


def _memory() -> float:
    """Return the bytes of this machine; infinity where it does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return float("inf")
