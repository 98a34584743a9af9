"""The disk runs full in mid-run, truly (a small tmpfs) or by a limit on the size of files: nothing stored is lost."""

from __future__ import annotations

import contextlib
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulations.sweep import digest
from tests.faults.conftest import Record, Start, Whole
from tests.faults.sweeps import Running, blocks, content, rows, until

SMALL, LARGE, TINY = "192k", "16m", "16k"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 192 kB, too small for the whole sweep."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if mount("-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", folder):
        pytest.skip("may not mount a tmpfs; the test with a limit on file sizes runs all the same")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def mount(*arguments: object) -> int:
    """Return the exit status of mount, which may be missing too."""
    try:
        return subprocess.run(["mount", *map(str, arguments)], capture_output=True).returncode
    except FileNotFoundError:
        return 1


def run_full(running: Running, store: Path) -> int:
    """Let a sweep run into the end of its disk; what could be seen in the store before must still be there."""
    seen = 0
    while running.process.poll() is None:
        seen = max(seen, blocks(store))
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.process.wait(0.05)
    out, errors = running.end(2)
    assert out == ""
    last = errors.splitlines()[-1]
    assert last.startswith("error: ")
    assert str(store) in last
    assert "stored blocks are safe" in last
    assert "then repeat the command" in last
    assert "Traceback" not in errors, errors
    until("its workers end with it", running.gone)
    kept = blocks(store)
    assert kept >= seen > 0
    return kept


def goes_on(sweep: Start, store: Path, whole: Whole) -> None:
    before = rows(store)
    assert 0 < len(before) < len(whole.rows)
    assert content(before).items() <= content(whole.rows).items()
    sweep(store).end()
    assert before.items() <= rows(store).items()
    assert digest(store) == whole.digest


def test_a_full_disk(sweep: Start, whole: Whole, record: Record, disk: Path) -> None:
    store = disk / "sweep.db"
    kept = run_full(sweep(store), store)
    _, errors = sweep(store).end(2)  # still full
    assert "stored blocks are safe" in errors.splitlines()[-1]
    assert blocks(store) >= kept
    assert mount("-o", f"remount,size={LARGE}", disk) == 0
    goes_on(sweep, store, whole)
    record(f"{kept} blocks", digest(store))


def test_a_disk_without_room_for_a_store(sweep: Start, disk: Path, whole: Whole, record: Record) -> None:
    assert mount("-o", f"remount,size={TINY}", disk) == 0
    store = disk / "sweep.db"
    out, errors = sweep(store).end(2)
    assert (out, len(errors.splitlines())) == ("", 1)
    assert "make room" in errors or "see to the disk" in errors
    assert mount("-o", f"remount,size={LARGE}", disk) == 0
    sweep(store).end()
    assert digest(store) == whole.digest
    record("0 blocks", digest(store))


def limited(size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("size", [90_000, 150_001])
def test_a_limit_on_file_sizes(sweep: Start, whole: Whole, record: Record, tmp_path: Path, size: int) -> None:
    store = tmp_path / "sweep.db"
    kept = run_full(sweep(store, limit=limited(size)), store)
    goes_on(sweep, store, whole)
    record(f"{kept} blocks", digest(store))
