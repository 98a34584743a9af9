"""Sweeps: grids of networks, as many as you like, that no interruption costs anything.

``python -m simulations.sweep --help`` is the command; `sweep` is the same from Python.
"""

from simulations.sweep.driver import sweep
from simulations.sweep.grid import Cell, Grid, GridError
from simulations.sweep.passes import Progress, SweepError
from simulations.sweep.store import Store, StoreError, digest

__all__ = ["Cell", "Grid", "GridError", "Progress", "Store", "StoreError", "SweepError", "digest", "sweep"]
