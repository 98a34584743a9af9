"""The data of a figure: columns of equal length with units, kept as CSV that reads back exactly."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64] | NDArray[np.str_]


class TableError(ValueError):
    """A CSV file that is not a figure's data, with what was wrong."""


@dataclass(frozen=True)
class Table:
    """Columns by name, each of numbers or of words, and their units ("" for words, "1" for ratios)."""

    columns: dict[str, Column]
    units: dict[str, str]

    def __post_init__(self) -> None:
        lengths = {name: len(column) for name, column in self.columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns of different lengths: {lengths}")
        if self.units.keys() != self.columns.keys():
            raise ValueError(f"units of {sorted(self.units)} for columns {sorted(self.columns)}")

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column of numbers."""
        return self.columns[name].astype(np.float64)

    def where(self, **values: str | float) -> Table:
        """Return the rows in which each named column has the given value."""
        rows = np.ones(len(self), dtype=bool)
        for name, value in values.items():
            rows &= self.columns[name] == value
        return Table({name: column[rows] for name, column in self.columns.items()}, self.units)

    def seen(self) -> Table:
        """Return the rows in which something was measured: a finite number."""
        rows = np.isfinite(self.numbers("measured"))
        return Table({name: column[rows] for name, column in self.columns.items()}, self.units)

    def csv(self) -> str:
        """Return the table as CSV with a header of ``name [unit]``; numbers read back exactly."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([f"{name} [{unit}]" if unit else name for name, unit in self.units.items()])
        writer.writerows(zip(*(column.tolist() for column in self.columns.values()), strict=True))
        return text.getvalue()


def row(units: dict[str, str], *values: object) -> dict[str, object]:
    """Name values by the columns of a table: a group of rows for `stacked`."""
    return dict(zip(units, values, strict=True))


def stacked(units: dict[str, str], *rows: dict[str, object]) -> Table:
    """Build a table from groups of rows; in each, scalars and words are repeated to the length of its arrays."""
    groups = [np.broadcast_arrays(*(np.asarray(group[name]) for name in units)) for group in rows]
    columns = [np.concatenate([np.atleast_1d(group[position]) for group in groups]) for position in range(len(units))]
    typed = [column if column.dtype.kind == "U" else column.astype(np.float64) for column in columns]
    return Table(dict(zip(units, typed, strict=True)), units)


def read_csv(path: Path) -> Table:
    """Read what `Table.csv` wrote.

    Raises
    ------
    TableError
        If the file cannot be read, or its rows do not fit its header.
    """
    try:
        header, *rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    except (OSError, ValueError, csv.Error) as error:
        raise TableError(f"cannot read {path}: {error}; expected CSV with a header of columns") from None
    if any(len(row) != len(header) for row in rows):
        raise TableError(f"{path} has rows that do not fit its header {header}")
    names = [one.partition(" [")[0] for one in header]
    units = {name: one.partition(" [")[2].removesuffix("]") for name, one in zip(names, header, strict=True)}
    columns: dict[str, Column] = {}
    for position, name in enumerate(names):
        words = [row[position] for row in rows]
        try:
            columns[name] = np.array([float(word) for word in words]) if units[name] else np.array(words, dtype=str)
        except ValueError as error:
            raise TableError(f"{path}, column {name!r}: {error}") from None
    return Table(columns, units)


def differences(expected: Table, found: Table, tolerance: float) -> str:
    """Say how `found` differs from `expected` beyond a relative tolerance; empty if it does not."""
    if expected.units != found.units or len(expected) != len(found):
        before, now = (f"{list(one.units)} x {len(one)}" for one in (expected, found))
        return f"columns or rows differ: {before}, now {now}"
    for name, column in expected.columns.items():
        if column.dtype.kind == "U":
            if not np.array_equal(column, found[name]):
                return f"column {name!r} has other words"
            continue
        numbers, again = expected.numbers(name), found.numbers(name)
        if not np.array_equal(np.isnan(numbers), np.isnan(again)):
            return f"column {name!r} is NaN elsewhere"
        with np.errstate(invalid="ignore"):
            near = np.isfinite(numbers) & (np.abs(again - numbers) <= tolerance * np.abs(numbers))
        far = ~(near | (numbers == again) | np.isnan(numbers))
        if far.any():
            row = int(far.argmax())
            return f"column {name!r}, row {row}: {numbers[row]:.6g}, now {again[row]:.6g} (tolerance {tolerance:g})"
    return ""
