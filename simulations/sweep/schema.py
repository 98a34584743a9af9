"""The file of a sweep: its tables, who wrote it, and what SQLite's errors mean for the one who gave the command."""

from __future__ import annotations

import contextlib
import json
import platform
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata

SCHEMA_VERSION = 1
APPLICATION = 0x46544853  # "FTHS" in the header says that a SQLite file is a sweep of Fathom
TABLES = """
CREATE TABLE identity (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE runs (run INTEGER PRIMARY KEY, started TEXT NOT NULL, grid TEXT NOT NULL, versions TEXT NOT NULL) STRICT;
CREATE TABLE blocks (
    cell TEXT NOT NULL, quantity TEXT NOT NULL, block INTEGER NOT NULL,
    draws INTEGER NOT NULL, moments BLOB NOT NULL, checksum BLOB NOT NULL, run INTEGER NOT NULL REFERENCES runs,
    PRIMARY KEY (cell, quantity, block)
) STRICT;
"""
AWAY = "move it away or name another file"


class StoreError(ValueError):
    """A store that cannot be opened, read or written, or that is of something else; with the way out, in one line."""


_MEANINGS = {
    "SQLITE_NOTADB": "{path} is not a store of a sweep; {away}",
    "SQLITE_CORRUPT": "{path} is damaged ({error}); restore a copy of it, or {away}",
    "SQLITE_FULL": "no room left for {path} ({error}); stored blocks are safe: make room, then repeat the command",
    "SQLITE_READONLY": "{path} is read-only ({error}); allow writing to it and its folder, or name another file",
    "SQLITE_BUSY": "{path} is locked by another program ({error}); wait for that to end, then repeat the command",
    "SQLITE_CANTOPEN": "cannot open {path} ({error}); expected a file in a folder that exists and can be written",
    "SQLITE_IOERR": "{path} cannot be read or written ({error}): the disk is full or fails; stored blocks are "
    "safe: see to the disk, then repeat the command",
}


@contextlib.contextmanager
def explained(path: str) -> Iterator[None]:
    """Turn SQLite's errors about the file at `path` into a `StoreError`."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", "SQLITE_CORRUPT" if "decode" in str(error) else "")  # text not UTF-8
        meaning = next((text for code, text in _MEANINGS.items() if name.startswith(code)), "{path}: {error}; {away}")
        raise StoreError(meaning.format(path=path, error=error, away=AWAY)) from None


def provenance() -> str:
    """Return what computed a run, as JSON: versions, system, processor."""
    libraries = {name: metadata.version(name) for name in ("numpy", "fathom-init") if _installed(name)}
    about = {
        "python": platform.python_version(),
        **libraries,
        "sqlite": sqlite3.sqlite_version,
        "system": platform.platform(),
        "machine": platform.machine(),
    }
    return json.dumps(about, sort_keys=True)


def now() -> str:
    """Return the time in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def prepare(connection: sqlite3.Connection, path: str, identity: dict[str, str], grid: str, extend: bool) -> int:
    """Make the tables of a new file, or see that an old one is of this sweep; note this run and return its number.

    Raises
    ------
    StoreError
        If the file is of another program, schema, stream version, seed or (unless `extend`) grid.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            for statement in TABLES.split(";")[:-1]:
                connection.execute(statement)
            connection.executemany("INSERT INTO identity VALUES (?, ?)", identity.items())
            connection.execute("INSERT INTO identity VALUES ('grid', ?)", (grid,))
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        check_kind(connection, path)
        check_whole(connection, path)
        found = dict(connection.execute("SELECT name, value FROM identity"))
        for name, value in identity.items():
            if found.get(name) != value:
                raise StoreError(
                    f"{path} holds results of {name} {found.get(name)}, this is {name} {value}, and the two must not "
                    f"be mixed; {_way_out(name, found.get(name))}"
                )
        if found.get("grid") != grid:
            if not extend:
                raise StoreError(
                    f"{path} holds another grid ({_difference(found.get('grid', '{}'), grid)}); add --extend to add "
                    f"what is new, or name another file"
                )
            connection.execute("UPDATE identity SET value = ? WHERE name = 'grid'", (grid,))
        inserted = connection.execute(
            "INSERT INTO runs (started, grid, versions) VALUES (?, ?, ?)", (now(), grid, provenance())
        )
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    return inserted.lastrowid or 0


def check_kind(connection: sqlite3.Connection, path: str) -> None:
    """See that the file is a store with this schema.

    Raises
    ------
    StoreError
        If it is not.
    """
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        raise StoreError(f"{path} is a SQLite file of another program, and was not touched; name another file")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"{path} has schema version {version}, this Fathom reads {SCHEMA_VERSION}; export it with the Fathom that "
            f"wrote it, or {AWAY}"
        )


def check_whole(connection: sqlite3.Connection, path: str) -> None:
    """See that SQLite can read all pages of the file.

    Raises
    ------
    StoreError
        If it cannot.
    """
    trouble = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if trouble != "ok":
        raise StoreError(f"{path} is damaged ({' '.join(trouble.split())}); restore a copy of it, or {AWAY}")


def _way_out(name: str, value: str | None) -> str:
    if name == "stream version":
        return f"go on with the Fathom that wrote it, or {AWAY}"
    return f"give {name} {value} to go on with it, or {AWAY}"


def _difference(theirs: str, ours: str) -> str:
    """Name a field that differs."""
    old, new = json.loads(theirs), json.loads(ours)
    names = [name for name in sorted(old | new) if old.get(name) != new.get(name)]
    return f"{names[0]} was {old.get(names[0])} and is now {new.get(names[0])}" if names else "of another version"
