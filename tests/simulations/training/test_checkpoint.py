from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from simulations.training.checkpoint import Checkpoint, CheckpointError, restore
from tests.simulations.bomb import Bomb

SAVED = Checkpoint(
    settings='{"rate": 0.1}',
    step=7,
    tallies=(1.1, 2.0, 3.0),
    epochs="[]",
    parameters=np.linspace(0, 1, 5, dtype=np.float32),
    velocity=np.ones(5, np.float32),
)


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    SAVED.save(path)
    SAVED.save(path)  # over the old one
    found = restore(path, SAVED.settings, 5, 5)
    for name in ("settings", "step", "tallies", "epochs"):
        assert getattr(found, name) == getattr(SAVED, name)
    assert found.parameters.tobytes() == SAVED.parameters.tobytes()
    assert found.velocity.tobytes() == SAVED.velocity.tobytes()
    assert [one.name for one in tmp_path.iterdir()] == ["run.npz"]


def test_failed_write_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.npz"
    SAVED.save(path)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CheckpointError, match="No space left"):
        replace(SAVED, step=8).save(path)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_other_run(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    SAVED.save(path)
    with pytest.raises(CheckpointError, match=r"another run, with rate 0\.1 instead of 0\.2; remove it"):
        restore(path, '{"rate": 0.2}', 5, 5)


def test_other_network(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    SAVED.save(path)
    with pytest.raises(CheckpointError, match="do not fit the network"):
        restore(path, SAVED.settings, 6, 5)


@pytest.mark.parametrize("at", [0.0, 0.3, 0.5, 0.7, 0.99])
def test_truncated(tmp_path: Path, at: float) -> None:
    path = tmp_path / "run.npz"
    SAVED.save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(at * len(content))])
    with pytest.raises(CheckpointError, match="damaged or not a checkpoint"):
        restore(path, SAVED.settings, 5, 5)


def test_flipped_byte(tmp_path: Path) -> None:
    """The archive's checksums see a change in the entries."""
    path = tmp_path / "run.npz"
    SAVED.save(path)
    content = bytearray(path.read_bytes())
    place = content.find(SAVED.parameters.tobytes())
    content[place + 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged or not a checkpoint"):
        restore(path, SAVED.settings, 5, 5)


def test_foreign(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    np.savez(path, x=np.ones(3))
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        restore(path, SAVED.settings, 5, 5)


def test_pickled_array_is_refused(tmp_path: Path) -> None:
    path, aside = tmp_path / "run.npz", tmp_path / "bomb.npy"
    SAVED.save(path)
    np.save(aside, np.array([Bomb()], dtype=object), allow_pickle=True)
    with ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, aside.read_bytes() if name == "parameters.npy" else content)
    with pytest.raises(CheckpointError, match="damaged or not a checkpoint"):
        restore(path, SAVED.settings, 5, 5)


def test_unreadable(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"cannot read .*: No such file"):
        restore(tmp_path / "none.npz", SAVED.settings, 5, 5)
