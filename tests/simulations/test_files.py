"""Files that are written whole or not at all."""

import os
from pathlib import Path

import pytest

from simulations.files import replacing, unwritable, write


@pytest.mark.parametrize("contents", ["héd\n", b"\x00\xff"])
def test_a_file_is_replaced(tmp_path: Path, contents: str | bytes) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    write(path, contents)
    assert path.read_bytes() == (contents.encode() if isinstance(contents, str) else contents)
    assert path.stat().st_mode & 0o777 == 0o644
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_name_without_a_folder_is_in_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert unwritable(Path("a")) == ""
    write(Path("a"), "new")
    assert (tmp_path / "a").read_text() == "new"


def test_the_neighbour_has_the_ending_and_nobody_sees_it_in_the_place(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with replacing(path) as aside:
        assert (aside.parent, aside.suffix) == (tmp_path, ".csv")
        aside.write_text("half")
        assert not path.exists()
    assert path.read_text() == "half"


class Stop(BaseException):
    """As an interrupt."""


def half_written(path: Path, error: BaseException) -> None:
    with replacing(path) as aside:
        aside.write_text("half")
        raise error


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), Stop()])
def test_whatever_goes_wrong_the_old_file_stays_alone(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(type(error)):
        half_written(path, error)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("fails", ["os.fsync", "pathlib.Path.replace"])
def test_a_disk_that_refuses_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(fails, refuse)
    with pytest.raises(OSError, match="Input/output error"):
        write(tmp_path / "a", "new")
    assert os.listdir(tmp_path) == []


def test_what_cannot_be_written_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert unwritable(tmp_path) == "it is a folder"
    assert unwritable(Path(os.devnull)) == "it is a device or a pipe"
    assert unwritable(tmp_path / "no" / "a") == f"there is no folder {tmp_path / 'no'}"
    assert unwritable(Path("/proc/a"))
    assert unwritable(tmp_path / "file") == unwritable(tmp_path / "new") == ""
    assert os.listdir(tmp_path) == ["file"]
