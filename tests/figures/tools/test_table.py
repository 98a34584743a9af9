"""Tables: what is written reads back exactly, and differences are named."""

from pathlib import Path

import numpy as np
import pytest

from figures.tools.table import Table, TableError, differences, read_csv, stacked

UNITS = {"start": "", "depth": "blocks", "square": "1"}
TABLE = stacked(
    UNITS,
    {"start": "He, then LeCun", "depth": np.arange(3), "square": [1.0, 2.0, 1 / 3]},
    {"start": "zero", "depth": 7, "square": np.array([np.nan, np.inf])},
)


def test_groups_are_stacked() -> None:
    assert len(TABLE) == 5
    assert TABLE["start"].tolist() == ["He, then LeCun"] * 3 + ["zero"] * 2
    assert TABLE["depth"].tolist() == [0, 1, 2, 7, 7]
    assert TABLE.where(start="zero", depth=7)["square"].shape == (2,)


def test_csv_reads_back_exactly(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(TABLE.csv())
    assert path.read_text().startswith("start,depth [blocks],square [1]\n")
    assert read_csv(path).csv() == TABLE.csv()
    assert differences(TABLE, read_csv(path), 0.0) == ""


@pytest.mark.parametrize(
    ("column", "row", "value", "message"),
    [
        ("square", 1, 2.001, "column 'square', row 1: 2, now 2.001"),
        ("square", 1, np.nan, "'square' is NaN elsewhere"),
        ("square", 4, 5.0, "column 'square', row 4: inf, now 5"),
        ("start", 0, "Xavier", "'start' has other words"),
    ],
)
def test_differences_are_named(column: str, row: int, value: float | str, message: str) -> None:
    columns = {name: one.copy() for name, one in TABLE.columns.items()}
    columns[column][row] = value
    assert message in differences(TABLE, Table(columns, UNITS), 1e-4)


def test_within_tolerance_is_no_difference() -> None:
    columns = {name: one.copy() for name, one in TABLE.columns.items()}
    columns["square"][1] *= 1 + 1e-5
    assert differences(TABLE, Table(columns, UNITS), 1e-4) == ""
    assert "row 1" in differences(TABLE, Table(columns, UNITS), 1e-6)


def test_other_rows_or_columns_differ() -> None:
    assert "columns or rows differ" in differences(TABLE, TABLE.where(start="zero"), 1.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "cannot read"), ("a [1],b\n1\n", "do not fit"), ("a [1]\nten\n", "column 'a'"), (None, "cannot read")],
)
def test_bad_files_are_named(text: str | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(TableError, match=message):
        read_csv(path)


def test_columns_must_fit() -> None:
    with pytest.raises(ValueError, match="different lengths"):
        Table({"a": np.ones(2), "b": np.ones(3)}, {"a": "1", "b": "1"})
    with pytest.raises(ValueError, match="units of"):
        Table({"a": np.ones(2)}, {"b": "1"})
