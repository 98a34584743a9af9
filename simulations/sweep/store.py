"""Blocks on disk: a SQLite file that survives anything, however often its writers are killed.

A block is one transaction, under write-ahead logging and full synchronisation: after a crash it is there or it is not.
Its rows have the key (cell, quantity, block), and a second writer of the same block, whose numbers are the same, adds
nothing. So any number of runs, on any number of machines one after the other, fill one file. (Two at one time must be
on one machine, since write-ahead logs need shared memory.)
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Self

from simulations.sweep import schema
from simulations.sweep.codec import seal, unseal
from simulations.sweep.moments import Moments, merge
from simulations.sweep.schema import AWAY, SCHEMA_VERSION, StoreError

__all__ = ["SCHEMA_VERSION", "Store", "StoreError", "digest"]

WAIT = 60
"""Seconds to wait for another writer to finish its transaction."""


class Store:
    """Blocks by cell, quantity and number; in memory if there is no path. Close it, or use it as a context."""

    def __init__(self, connection: sqlite3.Connection, path: str, run: int) -> None:
        self._connection, self._path, self._run = connection, path, run

    @classmethod
    def open(
        cls, path: Path | str | None, identity: Mapping[str, object], grid: Mapping[str, object], extend: bool = False
    ) -> Self:
        """Open a store for writing, making it if there is none.

        Parameters
        ----------
        identity : mapping of str to values
            What all of the store's results must have in common, such as the seed.
        grid : mapping of str to values
            What is swept; another grid is accepted only to `extend` the store.

        Raises
        ------
        StoreError
            If the file cannot be written, is damaged or foreign, or is of something else.
        """
        name = "the store in memory" if path is None else str(path)
        if path is not None and Path(path).is_dir():
            raise StoreError(f"{path} is a folder; expected a file")
        if path is not None:
            cls._examine(Path(path), name)
        with schema.explained(name):
            connection = sqlite3.connect(":memory:" if path is None else path, timeout=WAIT, isolation_level=None)
            try:
                if path is not None:
                    _foreign(connection, name)
                    if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
                        raise StoreError(f"the file system of {name} has no shared memory; take a local disk")
                connection.execute("PRAGMA synchronous = FULL")
                plain = {key: json.dumps(value) for key, value in identity.items()}
                run = schema.prepare(connection, name, plain, json.dumps(grid, sort_keys=True), extend)
            except BaseException:
                connection.close()
                raise
        return cls(connection, name, run)

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """Open a store that exists, for reading only.

        Raises
        ------
        StoreError
            If the file is missing, damaged or foreign.
        """
        if not Path(path).is_file():
            raise StoreError(f"there is no store {path}; expected the file of a sweep")
        with schema.explained(str(path)):
            connection = _connected_for_reading(Path(path).absolute())
            try:
                schema.check_kind(connection, str(path))
                schema.check_whole(connection, str(path))
            except BaseException:
                connection.close()
                raise
        return cls(connection, str(path), 0)

    @classmethod
    def _examine(cls, path: Path, name: str) -> None:
        """Refuse a file that is damaged or of another program before anything of it is changed, even its journal."""
        if not path.exists() or path.with_name(f"{path.name}-journal").exists():  # which only a writer may play back
            return
        with schema.explained(name), cls(_connected_for_reading(path.absolute()), name, 0) as found:
            if found._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                schema.check_kind(found._connection, name)
                schema.check_whole(found._connection, name)
                found.identity()
                for _ in found._rows("", ()):
                    pass

    def identity(self) -> dict[str, object]:
        """Return what all results have in common, and the grid last swept."""
        with schema.explained(self._path):
            rows = self._connection.execute("SELECT name, value FROM identity").fetchall()
        try:
            return {name: json.loads(value) for name, value in rows}
        except ValueError as error:
            raise StoreError(f"{self._path} is damaged ({error}); restore a copy of it, or {AWAY}") from None

    def add(self, cell: str, block: int, draws: int, results: Mapping[str, Moments]) -> None:
        """Store what came of a block, all quantities or none; what is there already stays.

        Raises
        ------
        StoreError
            If it cannot be written; nothing of it is then stored.
        """
        keys = {(cell, quantity, block, draws): moments for quantity, moments in results.items()}
        rows = [(*key, *seal(key, moments), self._run) for key, moments in keys.items()]
        with schema.explained(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany("INSERT OR IGNORE INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk may have ended it
                    self._connection.execute("ROLLBACK")
                raise

    def has(self, cell: str, block: int, quantities: Iterable[str]) -> bool:
        """Say whether a block is there with all these quantities."""
        query = "SELECT 1 FROM blocks WHERE cell = ? AND quantity = ? AND block = ?"
        with schema.explained(self._path):
            return all(self._connection.execute(query, (cell, name, block)).fetchone() for name in quantities)

    def blocks(self, cell: str, quantities: Iterable[str]) -> set[int]:
        """Return the blocks of a cell that are there with all these quantities."""
        query = "SELECT block FROM blocks WHERE cell = ? AND quantity = ?"
        with schema.explained(self._path):
            return set.intersection(
                *({block for (block,) in self._connection.execute(query, (cell, name))} for name in quantities)
            )

    def content(self) -> list[tuple[str, str]]:
        """Return the cells and quantities of which there is something, in order."""
        with schema.explained(self._path):
            return self._connection.execute("SELECT DISTINCT cell, quantity FROM blocks ORDER BY 1, 2").fetchall()

    def count(self) -> int:
        """Return the number of rows: blocks times quantities."""
        with schema.explained(self._path):
            found: int = self._connection.execute("SELECT count(*) FROM blocks").fetchone()[0]
        return found

    def merged(self, cell: str, quantity: str, blocks: int | None = None) -> Moments | None:
        """Merge the first `blocks` blocks (all, if not given) in their order, so that the result is one to the bit."""
        asked = cell, quantity, 2**62 if blocks is None else blocks
        found: Moments | None = None
        for _, part in self._rows("WHERE cell = ? AND quantity = ? AND block < ?", asked):
            found = part if found is None else merge(found, part)
        return found

    def digest(self) -> str:
        """Return SHA-256 over all content in the order of its keys; who computed it, and when, does not enter."""
        total = hashlib.sha256()
        common = {name: value for name, value in self.identity().items() if name != "grid"}
        total.update(json.dumps(common, sort_keys=True).encode())
        for key, _ in self._rows("", ()):
            total.update(key)
        return total.hexdigest()

    def _rows(self, where: str, values: tuple[object, ...]) -> Iterator[tuple[bytes, Moments]]:
        """Yield the checksum, which covers the key too, and the moments of rows, both seen to be as written."""
        columns = "SELECT cell, quantity, block, draws, moments, checksum FROM blocks"
        with schema.explained(self._path):
            for *key, packed, checksum in self._connection.execute(
                f"{columns} {where} ORDER BY cell, quantity, block", values
            ):
                try:
                    yield checksum, unseal(tuple(key), packed, checksum)
                except ValueError as error:
                    raise StoreError(
                        f"{self._path} is damaged: block {key[2]} of {key[1]!r} in {key[0]} is not as it was written "
                        f"({error}); restore a copy of the file, or {AWAY}"
                    ) from None

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def digest(path: Path | str) -> str:
    """Return the digest of the content of the store at `path`."""
    with Store.read(path) as store:
        return store.digest()


def _connected_for_reading(path: Path) -> sqlite3.Connection:
    """Connect; where nothing can be written beside the file, and nothing waits there, that does not matter."""
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", timeout=WAIT, uri=True)
    try:
        connection.execute("PRAGMA user_version")
    except sqlite3.OperationalError:
        if path.with_name(f"{path.name}-wal").exists():
            raise
        return sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)
    return connection


def _foreign(connection: sqlite3.Connection, path: str) -> None:
    """Refuse a file of another program before anything of it is changed, even its journal mode."""
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        schema.check_kind(connection, path)
