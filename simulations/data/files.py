"""Reading inputs from a user's file: arrays of NumPy or a table in text, by the file's ending; nothing is unpickled.

- ``.npz``: arrays x (samples, features) and y (samples).
- ``.npy``: one array of which the last column is the labels.
- ``.csv``, ``.tsv`` and ``.txt``: numbers with commas, tabs or spaces between them, the last column the labels; a first
  line that is not of numbers is a heading.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO

import numpy as np

SEPARATORS = {".csv": ",", ".tsv": "\t", ".txt": None}
EXPECTED = (
    "expected an .npz file with numeric arrays x (samples, features) and y (samples), or a .npy, .csv, .tsv or .txt "
    "file whose last column is the labels"
)


class InputError(ValueError):
    """Inputs that cannot be used, with what was wrong and what was expected."""


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return features and labels as they stand in a file.

    Raises
    ------
    InputError
        If the file cannot be read, has another ending, or is not what its ending says.
    """
    ending = path.suffix.lower()
    try:
        if ending in SEPARATORS:
            return _last_column(_table(path, SEPARATORS[ending]), path)
        if path.is_file() and ending not in (".npz", ".npy"):
            raise InputError(f"{path} ends in {ending!r}; {EXPECTED}")
        with path.open("rb") as file:
            return archive(file, str(path)) if ending != ".npy" else _last_column(_array(file, path), path)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}; {EXPECTED}") from None


def archive(file: IO[bytes], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of an .npz file.

    Raises
    ------
    InputError
        If it is none, or has other arrays.
    """
    try:
        if file.read(2) != b"PK":  # as archives begin; NumPy would take other files for pickles
            raise InputError(f"{name} is not a plain .npz file; {EXPECTED}")
        file.seek(0)
        with np.load(file, allow_pickle=False) as found:
            if not {"x", "y"} <= set(found.files):
                raise InputError(
                    f"{name} has no arrays x and y (it has {', '.join(found.files) or 'none'}); {EXPECTED}"
                )
            return found["x"], found["y"]
    except InputError:
        raise
    except Exception as error:  # damaged archives fail in as many ways as there are layers to read them
        raise InputError(f"{name} is not a plain .npz file ({_short(error)}); {EXPECTED}") from None


def _array(file: IO[bytes], path: Path) -> np.ndarray:
    try:
        return np.lib.format.read_array(file, allow_pickle=False)
    except Exception as error:  # as above
        raise InputError(f"{path} is not a .npy file of numbers ({_short(error)}); {EXPECTED}") from None


def _table(path: Path, separator: str | None) -> np.ndarray:
    """Return the numbers of a text file, line by line, and name the line where one is wrong."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{path} is not text in UTF-8; {EXPECTED}") from None
    rows: list[list[float]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            rows.append([float(part) for part in line.split(separator)])
        except ValueError:
            if number > 1:
                raise InputError(f"line {number} of {path} is not numbers: {line[:40]!r}; {EXPECTED}") from None
            continue  # a heading
        if len(rows[-1]) != len(rows[0]):
            raise InputError(f"line {number} of {path} has {len(rows[-1])} columns, not {len(rows[0])}; {EXPECTED}")
    return np.array(rows)


def _last_column(table: np.ndarray, path: Path) -> tuple[np.ndarray, np.ndarray]:
    if table.ndim != 2 or table.shape[1] < 2 or table.dtype.kind not in "fiu":
        raise InputError(
            f"{path} has numbers of shape {table.shape} and type {table.dtype}, not rows of at least one feature and a "
            f"label; {EXPECTED}"
        )
    x, y = table[:, :-1], table[:, -1]
    whole = np.isfinite(y).all() and (y == np.round(y)).all()
    return x, y.astype(np.int64) if whole else y


def _short(error: Exception) -> str:
    """Return an error in one line, without NumPy's advice to unpickle."""
    words = str(error).split(";")[0].split(". ")[0]
    return "objects are not unpickled" if "allow_pickle" in words or "ickle" in words else " ".join(words.split())[:80]
