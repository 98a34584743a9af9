"""Results as files: the same numbers in every format, whole or not at all."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest

from simulations.sweep import Store, export, results, sweep
from simulations.sweep.export import ExportError, summary
from simulations.sweep.plan import Plan
from simulations.sweep.results import MissingLibraryError, columns, entries
from tests.simulations.sweep.blocks import GRID

pytestmark = pytest.mark.usefixtures("small")


@pytest.fixture
def store(small: None, tmp_path: Path) -> Store:
    sweep(GRID, tmp_path / "a.db")
    return Store.read(tmp_path / "a.db")


def test_all_formats_say_the_same(store: Store, tmp_path: Path) -> None:
    parquet, xarray = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("xarray")
    for ending in ("csv", "parquet", "nc"):
        export.export(tmp_path / f"a.{ending}", store, Plan.of(GRID))
    with (tmp_path / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    table = parquet.read_table(tmp_path / "a.parquet").to_pylist()
    arrays = xarray.load_dataset(tmp_path / "a.nc", engine="scipy")
    assert tuple(rows[0]) == columns() == tuple(table[0])
    assert len(rows) == len(table) == 2 * 2 * (3 + 4)
    for row, same in zip(rows, table, strict=True):
        assert [str(value) for value in same.values()] == list(row.values())
        part = arrays.sel(depth=same["depth"], width=same["width"], position=same["position"]).squeeze()
        assert float(part[f"{same['quantity']}_mean"]) == same["mean"] == float(row["mean"])
        assert float(part[f"{same['quantity']}_count"]) == same["count"] == 30
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix not in (".db-shm", ".db-wal")) == [
        "a.csv",
        "a.db",
        "a.nc",
        "a.parquet",
    ]


def test_counts_beyond_32_bits_reach_netcdf(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    xarray = pytest.importorskip("xarray")
    big = results.dataset(store)
    big["loss_count"][:] = 2**40 + 1
    monkeypatch.setattr(export, "dataset", lambda store, plan: big)
    export.export(tmp_path / "a.nc", store)
    assert (xarray.load_dataset(tmp_path / "a.nc", engine="scipy").loss_count == 2**40 + 1).all()


def test_a_file_is_written_whole_or_not_at_all(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text("old")

    def fails(path: Path, *others: object) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(export.FORMATS, ".csv", fails)
    with pytest.raises(ExportError, match=r"cannot write .*No space left"):
        export.export(tmp_path / "a.csv", store)
    assert (tmp_path / "a.csv").read_text() == "old"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("name", "message"), [("a.txt", "ends in .csv"), ("no/a.csv", "no folder"), ("d.nc", "folder")]
)
def test_files_that_cannot_be_written_are_refused_first(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "d.nc").mkdir()
    with pytest.raises(ExportError, match=message):
        export.check(tmp_path / name)


@pytest.mark.parametrize(("ending", "library"), [("parquet", "pyarrow"), ("nc", "xarray"), ("nc", "scipy")])
def test_libraries_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, library: str) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingLibraryError, match=rf"{library}: pip install 'fathom-init\[sweep\]'"):
        export.check(tmp_path / f"a.{ending}")


def test_the_summary_is_of_last_positions_and_not_endless(store: Store) -> None:
    found = list(entries(store))
    lines = summary(found).splitlines()
    assert len(lines) == 9
    assert lines[1].split()[:5] == ["2", "8", "second_moment", "30", "2"]
    expected = found[0].moments
    assert lines[1].split()[5] == f"{expected.mean[-1]:.4g}"
    assert np.isfinite(expected.mean[-1])
    many = summary(found * 10).splitlines()
    assert len(many) == 42
    assert many[-1].startswith("and 40 more")


def test_the_summary_has_a_column_for_what_is_expected(store: Store) -> None:
    found = list(entries(store))
    plain, with_column = (summary(found, beside).splitlines() for beside in (None, lambda entry: "1 / 2"))
    assert "closed form" in with_column[0]
    assert with_column[0].replace("closed form", "").split() == plain[0].split()
    assert all(line.count("1 / 2") == 1 for line in with_column[1:])
