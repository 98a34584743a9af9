"""The results of a sweep as labelled arrays, and as rows of a long table."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from dataclasses import astuple
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulations.sweep.grid import AXES, Cell
from simulations.sweep.moments import BINS, EDGES, Moments
from simulations.sweep.plan import Plan
from simulations.sweep.quantities import QUANTITIES
from simulations.sweep.store import Store

if TYPE_CHECKING:
    import xarray

STATISTICS = ("count", "nonfinite", "zeros", "mean", "variance", "log_count", "log_mean", "log_variance")
"""What is given of every quantity at every position; logarithms have base 2."""


class Entry(NamedTuple):
    """The merged moments of one quantity of one cell."""

    cell: Cell
    quantity: str
    moments: Moments


class MissingLibraryError(RuntimeError):
    """A library of the extra ``sweep`` is not installed."""


def entries(store: Store, plan: Plan | None = None) -> Iterator[Entry]:
    """Yield what a store has of a plan, no more blocks than it asks for; or all that there is, if no plan is given."""
    wanted: list[tuple[Cell, str, int | None]]
    if plan is None:
        wanted = [(Cell(**json.loads(key)), quantity, None) for key, quantity in store.content()]
        wanted.sort(key=lambda one: (astuple(one[0]), list(QUANTITIES).index(one[1])))
    else:
        wanted = [(part.cell, quantity, part.blocks) for part in plan.parts for quantity in part.quantities]
    for cell, quantity, blocks in wanted:
        moments = store.merged(cell.key, quantity, blocks)
        if moments is not None:
            yield Entry(cell, quantity, moments)


def columns() -> tuple[str, ...]:
    """Return the names of the columns of `rows`."""
    return (*AXES, "quantity", "position", *STATISTICS)


def rows(found: Iterator[Entry]) -> Iterator[tuple[str | int | float, ...]]:
    """Yield a row for every cell, quantity and position."""
    for cell, quantity, moments in found:
        head = tuple(getattr(cell, axis) for axis in AXES)
        values = [getattr(moments, name).tolist() for name in STATISTICS]
        for position, row in enumerate(zip(*values, strict=True)):
            yield (*head, quantity, position, *row)


def dataset(store: Store, plan: Plan | None = None) -> xarray.Dataset:
    """Return results as labelled arrays.

    Returns
    -------
    xarray.Dataset
        Variables ``<quantity>_<statistic>`` over the axes of the grid and ``position`` (0 is the first; NaN, or 0 in
        counts, where a cell has no such position or nothing is stored), and ``<quantity>_histogram`` over ``bin``
        too: counts of log2 |v|, bin b from ``lower`` to ``upper``.

    Raises
    ------
    MissingLibraryError
        If xarray is not installed.
    """
    library = library_named("xarray")
    found = list(entries(store, plan))
    values = {axis: list(dict.fromkeys(getattr(entry.cell, axis) for entry in found)) for axis in AXES}
    shape = tuple(len(values[axis]) for axis in AXES)
    variables: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    most = max((len(entry.moments.count) for entry in found), default=0)
    for cell, quantity, moments in found:
        place = tuple(values[axis].index(getattr(cell, axis)) for axis in AXES)
        for name in (*STATISTICS, "histogram"):
            array = getattr(moments, name)
            tail = (most, BINS) if name == "histogram" else (most,)
            if (variable := f"{quantity}_{name}") not in variables:
                blank = 0 if array.dtype == np.int64 else np.nan
                dimensions = (*AXES, "position", "bin")[: len(shape + tail)]
                variables[variable] = dimensions, np.full(shape + tail, blank, array.dtype)
            variables[variable][1][place][: len(array)] = array
    edges = np.concatenate([[-np.inf], EDGES, [np.inf]])
    coordinates = values | {
        "position": np.arange(most),
        "lower": ("bin", edges[:-1]),
        "upper": ("bin", edges[1:]),
    }
    made: xarray.Dataset = library.Dataset(
        variables, coordinates, {key: str(value) for key, value in store.identity().items()}
    )
    return made


def library_named(name: str) -> Any:
    """Import a library of the extra ``sweep``.

    Raises
    ------
    MissingLibraryError
        If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        raise MissingLibraryError(f"this needs the library {name}: pip install 'fathom-init[sweep]'") from None
