"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give an empty temporary neighbour of the same ending to write to; at the end it takes the place of `path`.

    Raises
    ------
    OSError
        If there can be no such file, or it cannot be brought to the disk. Whatever goes wrong, `path` is as it was and
        the neighbour is gone.
    """
    handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        aside.chmod(0o644)  # temporary files are their owner's alone
        with aside.open("rb") as file:
            os.fsync(file.fileno())  # or a crash soon after could leave an empty file
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def write(path: Path, contents: str | bytes) -> None:
    """Write a file (text as UTF-8), whole or not at all.

    Raises
    ------
    OSError
        If the file cannot be written; nothing is left behind.
    """
    with replacing(path) as aside:
        aside.write_bytes(contents.encode() if isinstance(contents, str) else contents)


def unwritable(path: Path) -> str:
    """Say why a file at `path` could not be written, or return an empty text; creates nothing."""
    if path.is_dir():
        return "it is a folder"
    if path.exists() and not path.is_file():
        return "it is a device or a pipe"
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            return ""
    except OSError as error:
        return error.strerror or str(error)
