"""The store: what it keeps, and what it refuses."""

import dataclasses
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from simulations.sweep import Store, StoreError, digest
from simulations.sweep.codec import decode, encode, seal, unseal
from simulations.sweep.moments import Moments, merge
from tests.simulations.sweep.blocks import GRID, small_block

IDENTITY = {"seed": 0, "stream version": 1}
CELL = GRID.cells()[0]


def moments(block: int) -> dict[str, Moments]:
    return small_block(CELL, block, 10, 0, ("second_moment", "loss"))


def opened(path: Path, extend: bool = False, draws: int = 30, identity: dict[str, int] = IDENTITY) -> Store:
    return Store.open(path, identity, {"draws": draws}, extend)


def filled(path: Path, order: tuple[int, ...] = (0, 1, 2)) -> Path:
    with opened(path) as store:
        for block in order:
            store.add(CELL.key, block, 10, moments(block))
    return path


def fill(store: Store, blocks: int) -> None:
    for block in range(blocks):
        store.add(CELL.key, block, 10, moments(block))


def same(a: Moments, b: Moments) -> bool:
    return all(np.array_equal(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(Moments))


def test_moments_come_back_to_the_bit() -> None:
    before = moments(0)["loss"]
    after = decode(encode(before))
    assert same(before, after)
    assert all(getattr(after, f.name).dtype == getattr(before, f.name).dtype for f in dataclasses.fields(Moments))
    after.mean[0] += 1  # an array of its own, not a view of the bytes


@pytest.mark.parametrize("change", [lambda raw: raw[:-1], lambda raw: raw + b"\0", lambda raw: b"x" + raw[1:]])
def test_bytes_that_are_no_moments_are_refused(change: object) -> None:
    assert callable(change)
    with pytest.raises(ValueError, match="not those of moments"):
        decode(change(encode(moments(0)["loss"])))


def test_moments_of_different_lengths_are_refused() -> None:
    one = moments(0)["loss"]
    with pytest.raises(ValueError, match="different numbers of positions"):
        decode(encode(dataclasses.replace(one, mean=one.mean[:-1])))


def test_a_seal_covers_key_and_content() -> None:
    key = ("cell", "loss", 0, 10)
    packed, checksum = seal(key, moments(0)["loss"])
    assert same(unseal(key, packed, checksum), moments(0)["loss"])
    other, _ = seal(key, moments(1)["loss"])
    for wrong in ((("cell", "loss", 1, 10), packed), (key, other), (key, packed[:-3])):
        with pytest.raises(ValueError, match=r"."):
            unseal(*wrong, checksum)


def test_blocks_merge_in_their_order_whatever_order_they_came_in(tmp_path: Path) -> None:
    with Store.read(filled(tmp_path / "a", (2, 0, 1))) as store:
        found = store.merged(CELL.key, "loss")
        two = store.merged(CELL.key, "loss", 2)
        assert store.merged(CELL.key, "gradient") is None
    parts = [moments(block)["loss"] for block in range(3)]
    assert found is not None
    assert two is not None
    assert same(found, merge(merge(parts[0], parts[1]), parts[2]))
    assert same(two, merge(parts[0], parts[1]))


def test_the_digest_is_of_content_not_of_order_or_run(tmp_path: Path) -> None:
    whole = digest(filled(tmp_path / "a"))
    assert digest(filled(tmp_path / "b", (2, 1, 0))) == whole
    assert digest(filled(filled(tmp_path / "c", (1,)))) == whole
    assert digest(filled(tmp_path / "d", (0, 1))) != whole


def test_a_block_that_is_there_stays(tmp_path: Path) -> None:
    path = filled(tmp_path / "a")
    before = digest(path)
    with opened(path) as store:
        store.add(CELL.key, 0, 10, moments(7))
        assert store.count() == 6
    assert digest(path) == before


def test_what_is_there_is_told(tmp_path: Path) -> None:
    with Store.read(filled(tmp_path / "a", (0, 2))) as store:
        assert store.blocks(CELL.key, ("loss", "second_moment")) == {0, 2}
        assert store.blocks(CELL.key, ("loss", "gradient")) == set()
        assert store.has(CELL.key, 2, ("loss",))
        assert not store.has(CELL.key, 2, ("loss", "gradient"))
        assert not store.has(CELL.key, 1, ("loss",))


def test_a_block_is_stored_whole_or_not_at_all(tmp_path: Path) -> None:
    path = filled(tmp_path / "a", (0,))
    with opened(path) as store:
        store._connection.execute(
            "CREATE TEMP TRIGGER t BEFORE INSERT ON main.blocks WHEN NEW.quantity = 'loss' "
            "BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        with pytest.raises(StoreError, match="no"):
            store.add(CELL.key, 1, 10, moments(1))
        assert store.count() == 2


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    path = filled(tmp_path / "a", (0,))
    with opened(path) as store:
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages + 1}")
        with pytest.raises(StoreError, match=r"no room left for .*make room, then repeat"):
            fill(store, 100)
        kept = sorted(store.blocks(CELL.key, ("loss", "second_moment")))
        assert store.count() == 2 * len(kept)
    with opened(path) as store:
        assert kept
        assert sorted(store.blocks(CELL.key, ("loss",))) == kept
        fill(store, 100)
    assert digest(path) == digest(filled(tmp_path / "b", tuple(range(100))))


@pytest.mark.parametrize(
    ("name", "value", "way_out"), [("seed", 1, "give seed 0"), ("stream version", 2, "the Fathom that wrote it")]
)
def test_results_of_another_kind_are_not_mixed_in(tmp_path: Path, name: str, value: int, way_out: str) -> None:
    path = filled(tmp_path / "a")
    before = digest(path)
    with pytest.raises(StoreError, match=f"{name} .*must not be mixed; .*{way_out}"):
        opened(path, identity=IDENTITY | {name: value})
    assert digest(path) == before


def test_another_grid_must_be_meant(tmp_path: Path) -> None:
    path = filled(tmp_path / "a")
    with pytest.raises(StoreError, match=r"draws was 30 and is now 40.*--extend"):
        opened(path, draws=40)
    with opened(path, draws=40, extend=True) as store:
        assert store.count() == 6
        assert store.identity()["grid"] == {"draws": 40}


def test_another_schema_is_refused(tmp_path: Path) -> None:
    path = filled(tmp_path / "a")
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    for way in (opened, Store.read):
        with pytest.raises(StoreError, match="schema version 99, this Fathom reads 1; export it"):
            way(path)


def test_foreign_files_are_refused_and_not_touched(tmp_path: Path) -> None:
    text, foreign = tmp_path / "text", tmp_path / "foreign"
    text.write_text("hello, this is no database, and long enough to look like one " * 20)
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE mine (a)")
    connection.close()
    for path, message in ((text, "is not a store"), (foreign, "of another program"), (tmp_path, "is a folder")):
        before = path.read_bytes() if path.is_file() else None
        with pytest.raises(StoreError, match=message):
            opened(path)
        assert before is None or path.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"text", "foreign"}


def test_an_empty_file_is_a_new_store(tmp_path: Path) -> None:
    (tmp_path / "a").touch()  # what a driver killed at its first step leaves
    assert digest(filled(tmp_path / "a")) == digest(filled(tmp_path / "b"))


def test_damage_anywhere_is_seen_or_harmless(tmp_path: Path) -> None:
    whole = filled(tmp_path / "a")
    raw, before, seen = whole.read_bytes(), digest(whole), 0
    for place in range(0, len(raw), 211):
        path = tmp_path / "b"
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 0x5A]) + raw[place + 1 :])
        try:
            assert digest(path) == before
        except StoreError:
            seen += 1
    assert seen > 10


def test_a_cut_file_and_a_changed_row_are_named(tmp_path: Path) -> None:
    path = filled(tmp_path / "a")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE blocks SET draws = 11 WHERE block = 1 AND quantity = 'loss'")
    connection.close()
    with Store.read(path) as store:
        assert store.merged(CELL.key, "second_moment") is not None
        with pytest.raises(StoreError, match=r"damaged: block 1 of 'loss' in .*restore a copy"):
            store.merged(CELL.key, "loss")
    path.write_bytes(path.read_bytes()[:9000])
    for way in (opened, Store.read):
        with pytest.raises(StoreError, match="is damaged"):
            way(path)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store"):
        Store.read(tmp_path / "a")
    with pytest.raises(StoreError, match="cannot open"):
        opened(tmp_path / "no" / "a")
    assert not list(tmp_path.iterdir())


def test_what_sqlite_calls_read_only_is_explained(tmp_path: Path) -> None:
    path = filled(tmp_path / "a")
    with opened(path) as store:
        store._connection.execute("PRAGMA query_only = 1")  # root may write what is marked read-only
        with pytest.raises(StoreError, match="is read-only"):
            store.add(CELL.key, 9, 10, moments(9))
