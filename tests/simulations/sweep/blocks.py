"""Small blocks for tests of what surrounds them: numbers decided by cell and block, at no cost."""

import numpy as np

from simulations.numbers.streams import stream
from simulations.sweep.grid import Cell, Grid
from simulations.sweep.moments import Moments

GRID = Grid(depth=(2, 3), width=(8, 9), quantities=("second_moment", "loss"), draws=30)
DRAWS = 10


def small_block(cell: Cell, block: int, draws: int, seed: int, quantities: tuple[str, ...]) -> dict[str, Moments]:
    """Stand in for run_block; three draws in ten are not finite or 0."""
    found = {}
    for name in quantities:
        values = stream(seed, cell.key, name, block).standard_normal((draws, cell.depth + 1))
        values[:3] = np.array([np.nan, np.inf, 0.0])[:, None]
        found[name] = Moments.of(values)
    return found
