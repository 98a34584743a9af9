"""One block of a sweep: so many draws of one cell, their numbers decided by the cell and the block's number alone.

A block is a unit of work, of storage and of randomness: its stream is addressed by (cell, simulation, block), never by
who computes it or when. How many draws make a block follows from counted operations, never from a clock, so every
machine cuts a sweep in the same places; draws are rounded up to whole blocks, so a sweep is extended by adding blocks.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from threadpoolctl import threadpool_limits

from simulations.engines.choice import Engine
from simulations.numbers.memory import keep_freed_memory
from simulations.numbers.streams import stream
from simulations.sweep.cell import Cell
from simulations.sweep.costs import draws_at_once, seconds_a_draw
from simulations.sweep.moments import Moments, merge
from simulations.sweep.networks import layer_widths
from simulations.sweep.quantities import QUANTITIES, SIMULATIONS, groups, radial_enough, stays_undrawn
from simulations.sweep.simulate import Seen

STREAM_VERSION = 2
"""Raised whenever the numbers of a block change (a golden test tells), so that results of two versions never mix."""

SECONDS_A_BLOCK = 0.6
"""Aimed at, on the machine whose rates `costs.py` has."""
VALUES_AT_ONCE, VALUES_KEPT, FEW = 1 << 18, 1 << 21, 128
"""Numbers of one quantity at a time: 2 MB, from which moments are taken while they are in a core's cache; up to 16 MB
where that would be fewer than 128 draws, whose histograms would cost more than they."""


def run_block(cell: Cell, block: int, draws: int, seed: int, quantities: tuple[str, ...]) -> dict[str, Moments]:
    """Simulate `draws` draws of block number `block` and return the moments of each quantity.

    Pure and picklable. The linear algebra library is held to one thread from the first call on, for as long as the
    process lives: sums over two threads round differently, and blocks are what runs in parallel.

    Parameters
    ----------
    draws : int
        `block_draws` of them make the block that a sweep has.
    quantities : tuple of str
        Of one simulation, as `groups` cuts them.

    Raises
    ------
    ValueError
        If there are no draws or quantities, or the quantities are read from more than one simulation.
    """
    if draws < 1:
        raise ValueError(f"a block needs at least one draw, got {draws}")
    name = simulation_of(quantities)
    _one_thread()
    keep_freed_memory()
    rng = stream(seed, "sweep", cell.key, name, block)
    by_norms, at_once = radial_enough(cell, name), draws_at_once(cell, name)
    positions = len(layer_widths(cell))
    portion = max(VALUES_AT_ONCE // positions, min(FEW, VALUES_KEPT // positions), 1)
    found: dict[str, Moments] = {}
    for start in range(0, draws, portion):
        parts = []
        for left in range(min(portion, draws - start), 0, -at_once):
            with np.errstate(all="ignore"):  # what is not finite is counted
                parts.append(SIMULATIONS[name].run(cell, min(at_once, left), rng, by_norms))
        for quantity in quantities:
            moments = _moments(quantity, parts)
            found[quantity] = merge(found[quantity], moments) if quantity in found else moments
    return found


def simulation_of(quantities: tuple[str, ...]) -> str:
    """Return the simulation that these quantities are read from.

    Raises
    ------
    ValueError
        If there is none, or more than one.
    """
    cut = groups(quantities)
    if len(cut) != 1:
        which = " | ".join(", ".join(group) for group in cut) or "none"
        raise ValueError(f"a block is of one simulation, got quantities of {len(cut)}: {which}; call once for each")
    return QUANTITIES[cut[0][0]].simulation


def block_draws(cell: Cell, quantities: tuple[str, ...]) -> int:
    """Return how many draws make a block of this cell and simulation: two significant digits, at least 1."""
    draws = max(1, int(SECONDS_A_BLOCK / cost(cell, quantities)))
    unit: int = 10 ** max(0, len(str(draws)) - 2)
    return draws // unit * unit


def blocks_for(cell: Cell, quantities: tuple[str, ...], draws: int) -> int:
    """Return how many whole blocks have at least `draws` draws."""
    return -(-draws // block_draws(cell, quantities))


def engine_of(cell: Cell, quantities: tuple[str, ...]) -> Engine:
    """Return the engine: "radial", or what most entries of matrices are, "undrawn" or "drawn"."""
    name = simulation_of(quantities)
    if radial_enough(cell, name):
        return "radial"
    weights = list(SIMULATIONS[name].network(cell).weights())
    undrawn = sum(one.fan_in * one.fan_out for one in weights if stays_undrawn(cell, name, one))
    return "undrawn" if 2 * undrawn > sum(one.fan_in * one.fan_out for one in weights) else "drawn"


def cost(cell: Cell, quantities: tuple[str, ...]) -> float:
    """Return roughly how many seconds a draw takes."""
    return seconds_a_draw(cell, simulation_of(quantities))


@cache
def _one_thread() -> None:
    threadpool_limits(1)


def _moments(quantity: str, parts: list[Seen]) -> Moments:
    values = np.concatenate([part[quantity] for part in parts]) if len(parts) > 1 else parts[0][quantity]
    return Moments.of_log2(values) if QUANTITIES[quantity].logs else Moments.of(values)
