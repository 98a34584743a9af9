"""The grid of a sweep: every combination of its axes is a cell, of which the same quantities are asked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import product
from typing import Any

from simulations.numbers.streams import stream
from simulations.sweep.cell import Cell as Cell
from simulations.sweep.cell import GridError as GridError
from simulations.sweep.cell import known
from simulations.sweep.networks import check_names
from simulations.sweep.quantities import QUANTITIES, SIMULATIONS, check_quantities
from simulations.sweep.samples import INPUTS

DEEPEST, WIDEST, MOST_DRAWS = 20_000, 10**12, 10**15
"""Beyond these a number is a slip, not a wish; and every position keeps a histogram, 2 kB."""

NARROW = 8
"""Below this width it is tried whether a network can be run at all."""


@dataclass(frozen=True)
class Grid:
    """Axes as tuples of values, and what is asked of every cell.

    Raises
    ------
    GridError
        If an axis is empty, says a value twice or has one that is unknown, not a number or out of range.
    """

    architecture: tuple[str, ...] = ("plain",)
    init: tuple[str, ...] = ("he",)
    activation: tuple[str, ...] = ("relu",)
    depth: tuple[int, ...] = (10,)
    width: tuple[int, ...] = (64,)
    inputs: tuple[str, ...] = ("signs",)
    logit_scale: tuple[float, ...] = (1.0,)
    engine: tuple[str, ...] = ("auto",)
    quantities: tuple[str, ...] = ("second_moment",)
    draws: int = 1000
    """Of every cell; rounded up to whole blocks."""
    seed: int = 0

    def __post_init__(self) -> None:
        for axis in (*AXES, "quantities"):
            values = getattr(self, axis)
            if not isinstance(values, tuple) or not values:
                raise GridError(f"{axis} needs at least one value in a tuple, got {values!r}")
            if len(set(values)) < len(values):
                raise GridError(f"{axis} has a value twice: {list(values)}; say each once")
        for depth in self.depth:
            _whole("depth", depth, DEEPEST)
        for width in self.width:
            _whole("width", width, WIDEST)
        _whole("draws", self.draws, MOST_DRAWS)
        _whole("seed", self.seed, 2**128, least=0)
        for scale in self.logit_scale:
            if type(scale) is not float or not 0 < scale < math.inf:
                raise GridError(f"logit_scale must be a number above 0 and finite, got {scale!r}")
        for inputs in self.inputs:
            known("inputs", inputs, INPUTS)
        for quantity in self.quantities:
            known("quantity", quantity, QUANTITIES)
        for names in product(self.architecture, self.init, self.activation):
            check_names(*names)
            for width in (width for width in self.width if width < NARROW):
                _check_width(Cell(*names, 1, width, "signs"))
            for engine in self.engine:
                check_quantities(Cell(*names, 1, NARROW, "signs", engine=engine), self.quantities)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Grid:
        """Read a grid from what a TOML file or a command line gives: lists or single values by name.

        Raises
        ------
        GridError
            If a key is unknown (the message has the nearest one) or a value is not what it should be.
        """
        names = [field.name for field in fields(cls)]
        taken: dict[str, Any] = {known("key", key, names): value for key, value in mapping.items()}
        for key, value in taken.items():
            if key in ("draws", "seed"):
                continue
            values = value if isinstance(value, list | tuple) else [value]
            if key == "logit_scale":
                values = [float(one) if type(one) is int else one for one in values]
            if not all(type(one) in (str, int, float) for one in values):
                raise GridError(f"{key} takes a value or a list of values, got {value!r}")
            taken[key] = tuple(values)
        return cls(**taken)

    @property
    def size(self) -> int:
        """The number of cells, without making them."""
        return math.prod(len(getattr(self, axis)) for axis in AXES)

    def cells(self) -> list[Cell]:
        """Return every combination, the last axis varying fastest."""
        return [Cell(*values) for values in product(*(getattr(self, axis) for axis in AXES))]


AXES = tuple(field.name for field in fields(Cell))
"""The names of the axes, in the order of a cell's fields."""


def _check_width(cell: Cell) -> None:
    """Draw one narrow network: what normalises needs more than one unit to do it."""
    try:
        SIMULATIONS["pairs"].run(cell, 1, stream(0, "a narrow network"), False)
    except ValueError as error:
        raise GridError(f"width {cell.width} is too narrow for init {cell.init!r}: {error}") from None


def _whole(name: str, number: object, most: int, least: int = 1) -> None:
    if type(number) is not int or not least <= number <= most:
        raise GridError(f"{name} must be a whole number from {least} to {most}, got {number!r}")
