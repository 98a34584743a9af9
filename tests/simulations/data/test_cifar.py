import pickle
from pathlib import Path

import numpy as np
import pytest

from simulations import InputError, stream
from simulations.data.cifar import RECORD, TEST, TRAINING, cifar10
from tests.simulations.bomb import Bomb


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six files of three records."""
    for number, name in enumerate((*TRAINING, *TEST)):
        rows = stream(0, "cifar", number).integers(0, 256, (3, RECORD), np.uint8)
        rows[:, 0] %= 10
        (tmp_path / name).write_bytes(rows.tobytes())
    return tmp_path


def test_layout(folder: Path) -> None:
    """Byte 1 + 1024 c + 32 i + j of a record is row i, column j of channel c."""
    (x, labels), (test_x, test_labels) = cifar10(folder, records=3)
    assert x.shape == (15, 3, 32, 32)
    assert test_x.shape == (3, 3, 32, 32)
    raw = (folder / TRAINING[1]).read_bytes()
    assert labels[4] == raw[RECORD]
    assert x[4, 2, 5, 7] == raw[RECORD + 1 + 2 * 1024 + 5 * 32 + 7]
    assert test_labels.tolist() == [(folder / TEST[0]).read_bytes()[RECORD * row] for row in range(3)]


def test_missing(folder: Path) -> None:
    (folder / TRAINING[3]).unlink()
    with pytest.raises(InputError, match=r"cannot read .*data_batch_4\.bin: No such file.*binary version"):
        cifar10(folder, records=3)


@pytest.mark.parametrize("lost", [1, RECORD])
def test_truncated(folder: Path, lost: int) -> None:
    path = folder / TEST[0]
    path.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(InputError, match=rf"has {3 * RECORD - lost} bytes, not {3 * RECORD}.*truncated"):
        cifar10(folder, records=3)


def test_python_version_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(InputError, match="pickled and not opened"):
        cifar10(tmp_path)


def test_renamed_pickle(folder: Path) -> None:
    (folder / TRAINING[0]).write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(InputError, match="looks pickled"):
        cifar10(folder, records=3)


def test_label_outside(folder: Path) -> None:
    rows = np.zeros((3, RECORD), np.uint8)
    rows[2, 0] = 10
    (folder / TEST[0]).write_bytes(rows.tobytes())
    with pytest.raises(InputError, match="has a label 10"):
        cifar10(folder, records=3)
