"""Damaged, cut, foreign and other stores: one line that names the way out and an untouched file, or the same digest."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from simulations.sweep import StoreError, block, digest
from simulations.sweep.__main__ import main
from tests.faults.conftest import Record, Start, Whole
from tests.faults.short import SECONDS
from tests.faults.sweeps import ARGUMENTS, blocks, content, rows, until

Command = Callable[..., tuple[int, str, str]]
GRID_TEXT = b'grid{"activation"'


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run the sweep of all tests in this process, which is quicker; return status, output and errors."""
    monkeypatch.setattr(block, "SECONDS_A_BLOCK", SECONDS)

    def run(store: Path, *more: str) -> tuple[int, str, str]:
        status = main([*ARGUMENTS, "--store", str(store), "--workers", "1", *more])
        return status, *capsys.readouterr()

    return run


def refused(command: Command, store: Path, *more: str) -> str:
    """See that a store is refused in one line that names it, and not touched; return the line."""
    before, status = store.read_bytes(), store.stat()
    code, out, errors = command(store, *more)
    assert (code, out, len(errors.splitlines())) == (2, "", 1), errors
    assert errors.startswith(f"error: {store} ")
    assert store.read_bytes() == before
    assert store.stat().st_mtime_ns == status.st_mtime_ns
    return errors


def flipped(raw: bytes, place: int) -> bytes:
    return raw[:place] + bytes([raw[place] ^ 0x5A]) + raw[place + 1 :]


def test_a_flipped_byte_is_named_or_harmless(command: Command, whole: Whole, record: Record, tmp_path: Path) -> None:
    raw = whole.store.read_bytes()
    grid = raw.index(GRID_TEXT)
    rng = random.Random(0)
    places = [*rng.sample(range(len(raw)), 60), *range(0, 16, 3), *range(grid, grid + 200, 9)]
    named = 0
    for number, place in enumerate(places):
        store = tmp_path / f"{number}.db"
        store.write_bytes(flipped(raw, place))
        try:
            same = digest(store) == whole.digest
        except StoreError:
            same = False
        if same and command(store)[0] == 0:  # nothing that matters, such as free space
            assert digest(store) == whole.digest
            continue
        errors = refused(command, store)
        assert "is damaged" in errors or "is not a store" in errors or "another" in errors, (place, errors)
        assert "move it away" in errors or "name another file" in errors
        named += 1
    assert named > len(places) // 3
    record(f"{named} of {len(places)} places named, the rest harmless", whole.digest)


def test_every_block_is_looked_at_before_anything_is_done(command: Command, whole: Whole, tmp_path: Path) -> None:
    store = tmp_path / "sweep.db"
    for cell, quantity, number in random.Random(1).sample(sorted(whole.rows), 3):
        moments = whole.rows[cell, quantity, number][1]
        raw = whole.store.read_bytes()
        place = raw.index(moments) + len(moments) // 2
        store.write_bytes(flipped(raw, place))
        errors = refused(command, store)
        assert f"damaged: block {number} of {quantity!r} in {cell} is not as it was written" in errors
        assert "restore a copy" in errors


@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.99])
def test_a_cut_store(command: Command, whole: Whole, tmp_path: Path, share: float) -> None:
    raw, store = whole.store.read_bytes(), tmp_path / "sweep.db"
    store.write_bytes(raw[: int(share * len(raw))])
    errors = refused(command, store)
    assert "is damaged" in errors or "is not a store" in errors
    assert "move it away or name another file" in errors


@pytest.fixture
def killed(sweep: Start, tmp_path: Path) -> Path:
    """Leave the store of a killed driver, with its log."""
    store = tmp_path / "sweep.db"
    running = sweep(store, "--workers", 1)
    until("fifteen blocks", lambda: blocks(store) >= 15, running)
    running.kill()
    return store


def test_a_log_that_is_cut_or_gone(killed: Path, command: Command, whole: Whole, record: Record) -> None:
    log, shared = (killed.with_name(f"{killed.name}-{name}") for name in ("wal", "shm"))
    file, raw, before = killed.read_bytes(), log.read_bytes(), rows(killed)
    assert len(before) >= 15
    left = []
    for share in (1.0, 0.97, 0.5, 0.0, None):
        killed.write_bytes(file)
        shared.unlink(missing_ok=True)
        if share is None:
            log.unlink()
        else:
            log.write_bytes(raw[: int(share * len(raw))])
        kept = rows(killed)
        assert kept.items() <= before.items()
        left.append(len(kept))
        assert command(killed)[0] == 0
        assert kept.items() <= rows(killed).items()
        assert content(rows(killed)) == content(whole.rows)
        assert digest(killed) == whole.digest
    assert left[0] == len(before) > left[2] > left[3] == left[4] == 0
    record(f"{left} blocks", digest(killed))


def test_foreign_files(command: Command, tmp_path: Path) -> None:
    text, foreign, live = (tmp_path / name for name in ("text.db", "foreign.db", "live.db"))
    text.write_text("hello, this is no database, and long enough to look like one\n" * 200)
    assert "is not a store of a sweep; move it away or name another file" in refused(command, text)
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE mine (a)")
    assert "another program, and was not touched; name another file" in refused(command, foreign)
    # one whose own program was killed, with a log that only that program may play back
    leave = f"""
import os, sqlite3
connection = sqlite3.connect({str(live)!r}, isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("CREATE TABLE mine (a)")
os.kill(os.getpid(), {signal.SIGKILL:d})
"""
    assert subprocess.run([sys.executable, "-c", leave]).returncode == -signal.SIGKILL
    log = Path(f"{live}-wal")
    before = log.read_bytes()
    assert before
    assert "another program" in refused(command, live)
    assert log.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE identity SET value = '7' WHERE name = 'seed'", ("seed 7", "give seed 7 to go on with it")),
        (
            "UPDATE identity SET value = '99' WHERE name = 'stream version'",
            ("stream version 99", "must not be mixed", "the Fathom that wrote it"),
        ),
        ("PRAGMA user_version = 99", ("schema version 99", "export it with the Fathom that wrote it")),
    ],
)
def test_stores_of_something_else(
    command: Command, whole: Whole, tmp_path: Path, change: str, words: tuple[str, ...]
) -> None:
    store = tmp_path / "sweep.db"
    store.write_bytes(whole.store.read_bytes())
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute(change)
    errors = refused(command, store)
    assert all(word in errors for word in words), errors


def test_a_store_of_another_seed_or_grid(command: Command, whole: Whole, tmp_path: Path) -> None:
    store = tmp_path / "sweep.db"
    store.write_bytes(whole.store.read_bytes())
    assert "give seed 0 to go on with it" in refused(command, store, "--seed", "1")
    assert "add --extend" in refused(command, store, "--draws", "400001")
    assert digest(store) == whole.digest
