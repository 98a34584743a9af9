"""CIFAR-10 (Krizhevsky 2009) from the user's own copy of its *binary* version; nothing is unpickled or downloaded.

A file is 10,000 records of 3,073 bytes: a label from 0 to 9, then 32 x 32 pixels of red, of green and of blue, row by
row. The folder ``cifar-10-batches-bin`` has five files of training images and one of test images.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulations.data.inputs import InputError

RECORD, RECORDS, CLASSES = 3073, 10_000, 10
TRAINING = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST = ("test_batch.bin",)
BINARY = "expected the binary version of CIFAR-10 (cifar-10-binary.tar.gz, unpacked)"


Images = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Images (n, 3, 32, 32) of bytes, and their labels (n)."""


def cifar10(folder: str | Path, *, records: int = RECORDS) -> tuple[Images, Images]:
    """Read the training and the test images.

    Parameters
    ----------
    records : int
        Images a file; other than 10,000 for cut-down copies only.

    Raises
    ------
    InputError
        If a file is missing, truncated, pickled (the "Python version") or has labels above 9.
    """
    return _read(Path(folder), TRAINING, records), _read(Path(folder), TEST, records)


def _read(folder: Path, names: tuple[str, ...], records: int) -> Images:
    rows = np.concatenate([_file(folder / name, records) for name in names])
    return rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0].astype(np.int64)


def _file(path: Path, records: int) -> NDArray[np.uint8]:
    pickled = path.with_suffix("")
    try:
        content = path.read_bytes()
    except OSError as error:
        if pickled.is_file():
            raise InputError(f"{pickled} is of the Python version, which is pickled and not opened; {BINARY}") from None
        raise InputError(f"cannot read {path}: {error.strerror or error}; {BINARY}") from None
    if content[:1] == b"\x80":  # how a pickle begins; no label is that large
        raise InputError(f"{path} looks pickled, and is not opened; {BINARY}")
    if len(content) != records * RECORD:
        raise InputError(
            f"{path} has {len(content)} bytes, not {records * RECORD} ({records} records of {RECORD}): truncated or "
            f"another file; {BINARY}"
        )
    rows = np.frombuffer(content, np.uint8).reshape(records, RECORD)
    if (largest := int(rows[:, 0].max())) >= CLASSES:
        raise InputError(f"{path} has a label {largest}; labels go from 0 to {CLASSES - 1}; {BINARY}")
    return rows
