"""Results as files for other programs (.csv, .parquet, .nc), written whole or not at all, and a table to look at."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from pathlib import Path

from simulations.files import replacing, unwritable
from simulations.sweep.grid import AXES
from simulations.sweep.plan import Plan
from simulations.sweep.results import Entry, columns, dataset, entries, library_named, rows
from simulations.sweep.store import Store

MOST_LINES = 40


class ExportError(ValueError):
    """Results that cannot be written to the file that was named."""


def export(path: Path, store: Store, plan: Plan | None = None) -> None:
    """Write the results of a plan, or of all of a store, in the format of the file's ending.

    Raises
    ------
    ExportError
        If the ending is unknown or the file cannot be written; nothing is left behind.
    """
    check(path)
    try:
        with replacing(path) as aside:
            FORMATS[path.suffix](aside, store, plan)
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror or error}") from None


def check(path: Path) -> None:
    """Refuse a file that could not be written, before anything is computed.

    Raises
    ------
    ExportError
        If its ending is unknown, or its folder does not exist or cannot be written.
    MissingLibraryError
        If the format needs a library that is not installed.
    """
    if path.suffix not in FORMATS:
        raise ExportError(f"cannot export to {path}: expected a name that ends in {', '.join(FORMATS)}")
    if reason := unwritable(path):
        raise ExportError(f"cannot export to {path}: {reason}")
    for library in {".csv": (), ".parquet": ("pyarrow",), ".nc": ("xarray", "scipy")}[path.suffix]:
        library_named(library)


def _csv(path: Path, store: Store, plan: Plan | None) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns())
        writer.writerows(rows(entries(store, plan)))


def _parquet(path: Path, store: Store, plan: Plan | None) -> None:
    by_column = list(zip(*rows(entries(store, plan)), strict=True)) or [()] * len(columns())
    table = library_named("pyarrow").table({name: list(by_column[i]) for i, name in enumerate(columns())})
    library_named("pyarrow.parquet").write_table(table, path)


def _netcdf(path: Path, store: Store, plan: Plan | None) -> None:
    found = dataset(store, plan)
    counts = {name: array.astype(float) for name, array in found.data_vars.items() if array.dtype.kind == "i"}
    found.assign(counts).to_netcdf(path, engine="scipy", format="NETCDF3_64BIT")  # which knows no int64; exact to 2^53


FORMATS: dict[str, Callable[[Path, Store, Plan | None], None]] = {".csv": _csv, ".parquet": _parquet, ".nc": _netcdf}


def summary(found: Iterable[Entry], beside: Callable[[Entry], str] | None = None) -> str:
    """Return a table of every cell and quantity at its last position.

    Parameters
    ----------
    beside : function, optional
        Says what the mean is expected to be; sweeps themselves know no closed form.
    """
    shown = list(found)
    varying = [axis for axis in AXES if len({getattr(entry.cell, axis) for entry in shown}) > 1]
    head = [*varying, "quantity", "draws", "position", "mean", "variance", "mean log2", "variance log2"]
    lines = [[*(str(getattr(e.cell, axis)) for axis in varying), e.quantity, *_last(e)] for e in shown[:MOST_LINES]]
    if beside:
        place = head.index("mean")
        lines = [[*one[:place], beside(e), *one[place:]] for one, e in zip(lines, shown, strict=False)]
        head.insert(place, "closed form")
    widths = [max(len(line[i]) for line in [head, *lines]) for i in range(len(head))]
    out = io.StringIO()
    for line in [head, *lines]:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)), file=out)
    if len(shown) > MOST_LINES:
        print(f"and {len(shown) - MOST_LINES:,} more; --export FILE has all, at every position", file=out)
    return out.getvalue()


def _last(entry: Entry) -> list[str]:
    m = entry.moments
    numbers = (m.mean[-1], m.variance[-1], m.log_mean[-1], m.log_variance[-1])
    return [f"{m.count[-1]:,}", str(len(m.count) - 1), *(f"{number:.4g}" for number in numbers)]
