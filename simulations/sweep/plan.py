"""What a sweep will do: its cells, the blocks of each, and about how long they take."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from simulations.sweep.block import block_draws, blocks_for, cost, engine_of
from simulations.sweep.grid import Cell, Grid
from simulations.sweep.quantities import groups
from simulations.sweep.store import Store

MOST_CELLS, MOST_SECONDS = 10_000, 24 * 3600.0
"""A grid of more cells, or more seconds of work, may be a slip: the command line asks before it starts."""


@dataclass(frozen=True)
class Part:
    """All blocks of one cell and one simulation."""

    cell: Cell
    quantities: tuple[str, ...]
    draws: int
    """Draws a block."""
    blocks: int
    seconds: float
    """A block, roughly."""


@dataclass(frozen=True)
class Plan:
    """The parts of a sweep, in the order of its grid."""

    grid: Grid
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, grid: Grid) -> Plan:
        """Cut a grid into blocks."""
        cut = groups(grid.quantities)
        return cls(grid, tuple(_part(cell, names, grid.draws) for cell in grid.cells() for names in cut))

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(part.blocks for part in self.parts))

    @property
    def blocks(self) -> int:
        """The number of blocks."""
        return self._ends[-1]

    @property
    def seconds(self) -> float:
        """About how long one worker would take."""
        return sum(part.blocks * part.seconds for part in self.parts)

    def block(self, number: int) -> tuple[Part, int]:
        """Return the part of the sweep's block of this number, and the block's number within it."""
        which = bisect_right(self._ends, number)
        return self.parts[which], number - (self._ends[which - 1] if which else 0)

    def missing(self, store: Store) -> Iterator[int]:
        """Yield the numbers of blocks that are not in a store with all their quantities."""
        first = 0
        for part in self.parts:
            there = store.blocks(part.cell.key, part.quantities)
            yield from (first + block for block in range(part.blocks) if block not in there)
            first += part.blocks

    def text(self, workers: int, where: str) -> str:
        """Describe the plan in a few lines."""
        engines = Counter(engine_of(part.cell, part.quantities) for part in self.parts)
        chosen = ", ".join(f"{engine} ({number})" for engine, number in sorted(engines.items()))
        draws = sum(part.draws * part.blocks for part in self.parts)
        return (
            f"cells    {self.grid.size:,}, of each {self.grid.draws:,} draws of {', '.join(self.grid.quantities)}\n"
            f"blocks   {self.blocks:,}, of {draws:,} networks in all (draws are rounded up to whole blocks)\n"
            f"engines  {chosen}\n"
            f"workers  {workers} {where}\n"
            f"time     about {duration(self.seconds / workers)}"
        )


def _part(cell: Cell, quantities: tuple[str, ...], draws: int) -> Part:
    each = block_draws(cell, quantities)
    return Part(cell, quantities, each, blocks_for(cell, quantities, draws), each * cost(cell, quantities))


def duration(seconds: float) -> str:
    """Return a time in its natural unit."""
    for unit, size in (("years", 365.25 * 86400), ("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.0f} s"
