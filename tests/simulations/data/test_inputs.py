"""The shipped digits, the user's own files, and every way in which a file can be wrong."""

import contextlib
import io
import zipfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations import InputError, Inputs, digits, load
from tests.simulations.bomb import Bomb

X = np.arange(12.0).reshape(4, 3)
Y = np.array([0, 1, 2, 1])


def packed(compressed: bool = False, **parts: object) -> bytes:
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, **parts)  # type: ignore[arg-type]
    return file.getvalue()


def test_digits() -> None:
    data = digits()
    assert data.x.shape == (256, 64)
    assert data.x.dtype == np.float64
    assert data.labels.shape == (256,)
    assert data.classes == 10
    assert (data.x.min(), data.x.max()) == (0, 16)
    assert set(data.labels) == set(range(10))
    assert data.zero_rows == 0
    assert data.targets.shape == (256, 10)
    np.testing.assert_array_equal(data.targets.argmax(axis=1), data.labels)
    assert "256 of 1797 rows" in data.source


def test_seed_chooses_rows_and_keeps_labels_with_them() -> None:
    with resources.files("simulations.data").joinpath("digits.npz").open("rb") as file, np.load(file) as archive:
        label_of = {row.tobytes(): int(y) for row, y in zip(archive["x"].astype(np.float64), archive["y"], strict=True)}
    one, again, other = digits(1), digits(1), digits(2)
    np.testing.assert_array_equal(one.x, again.x)
    assert not np.array_equal(one.x, other.x)
    for data in (one, other):
        rows = [row.tobytes() for row in data.x]
        assert len(set(rows)) == 256
        assert [label_of[row] for row in rows] == data.labels.tolist()


def test_own_file(tmp_path: Path) -> None:
    """Few rows are all kept, in order and at their own scale; labels of any values become 0, 1, ..."""
    path = tmp_path / "mine.npz"
    path.write_bytes(packed(x=np.array([[1, 2], [0, 0], [5, 6]], dtype=np.uint8), y=np.array([40, -7, 40])))
    data = load(path)
    np.testing.assert_array_equal(data.x, [[1, 2], [0, 0], [5, 6]])
    np.testing.assert_array_equal(data.labels, [1, 0, 1])
    assert (data.classes, data.zero_rows) == (2, 1)
    np.testing.assert_array_equal(data.nonzero(), [[1, 2], [5, 6]])
    assert load(str(path)).source == data.source == f"{path} (raw scale), 3 of 3 rows"


def test_narrowed() -> None:
    data = Inputs(np.array([[1.0, 3.0, 5.0, 7.0, 12.0], [0, 0, 0, 0, 0]]), np.array([0, 1]), 2, "by hand")
    np.testing.assert_array_equal(data.narrowed(2), [[2, 8]])  # groups of 2 and 3
    np.testing.assert_array_equal(data.narrowed(1), [[5.6]])
    np.testing.assert_array_equal(data.narrowed(5), data.x[:1])
    np.testing.assert_array_equal(data.narrowed(7), [[1, 3, 5, 7, 12, 0, 0]])
    eight = digits().narrowed(8)
    np.testing.assert_allclose(eight, digits().x.reshape(256, 8, 8).mean(axis=2), rtol=1e-15)


def header(shape: str) -> bytes:
    """Pack arrays that claim a shape which the file does not hold."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in ("x.npy", "y.npy"):
            archive.writestr(name, npy().replace(b"(4, 3), }" + b" " * (len(shape) - 6), shape.encode() + b", }"))
    return file.getvalue()


def npy() -> bytes:
    file = io.BytesIO()
    np.save(file, X)
    return file.getvalue()


def with_entry(value: float) -> np.ndarray:
    return np.where(np.arange(12).reshape(4, 3) == 5, value, X)


WRONG: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "not a plain .npz"),
    "text": (lambda: b"x,y\n1,2\n", "not a plain .npz"),
    "pickle": (lambda: b"\x80\x04N.", "not a plain .npz"),
    "pickled x": (lambda: packed(x=np.array([[1, None]], dtype=object), y=Y), "not a plain .npz"),
    "a lone array": (npy, "no arrays x and y|not a plain .npz"),
    "truncated": (lambda: packed(x=X, y=Y)[:-40], "not a plain .npz"),
    "truncated, compressed": (lambda: packed(True, x=X, y=Y)[:150], "not a plain .npz"),
    "a shape of text": (lambda: header("(4, 'a')"), "not a plain .npz"),
    "fewer numbers than told": (lambda: header("(9, 9)"), "not a plain .npz"),
    "more numbers than any memory holds": (lambda: header(f"({10**15}, 3)"), "not a plain .npz"),
    "more numbers than can be counted": (lambda: header(f"({10**30}, 3)"), "not a plain .npz"),
    "no y": (lambda: packed(x=X), "no arrays x and y"),
    "other names": (lambda: packed(a=X, b=Y), "no arrays x and y"),
    "one-dimensional x": (lambda: packed(x=X[0], y=Y[:3]), r"x has shape \(3,\)"),
    "images": (lambda: packed(x=np.ones((4, 2, 2)), y=Y), r"x has shape \(4, 2, 2\)"),
    "no rows": (lambda: packed(x=X[:0], y=Y[:0]), r"x has shape \(0, 3\)"),
    "no features": (lambda: packed(x=X[:, :0], y=Y), r"x has shape \(4, 0\)"),
    "complex": (lambda: packed(x=X + 1j, y=Y), "type complex128"),
    "strings": (lambda: packed(x=X.astype(str), y=Y), "expected real numbers"),
    "float labels": (lambda: packed(x=X, y=Y.astype(float)), "type float64; expected 4 integer labels"),
    "one-hot labels": (lambda: packed(x=X, y=np.eye(4, dtype=int)), r"y has shape \(4, 4\)"),
    "mismatched lengths": (lambda: packed(x=X, y=Y[:3]), "expected 4 integer labels"),
    "NaN": (lambda: packed(x=with_entry(np.nan), y=Y), "x has 1 values that are NaN or infinite"),
    "infinity": (lambda: packed(x=with_entry(-np.inf), y=Y), "x has 1 values that are NaN or infinite"),
    "one class": (lambda: packed(x=X, y=np.full(4, 3)), r"one class only \(3\)"),
    "all zero": (lambda: packed(x=0 * X, y=Y), "zero in every chosen row"),
}


@pytest.mark.parametrize(("content", "message"), WRONG.values(), ids=WRONG.keys())
def test_wrong_files(content: Callable[[], bytes], message: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.npz"
    path.write_bytes(content())
    with pytest.raises(InputError, match=message) as caught:
        load(path)
    assert "expected" in str(caught.value)


def test_missing_file_and_directory(tmp_path: Path) -> None:
    for path in (tmp_path / "none.npz", tmp_path):
        with pytest.raises(InputError, match=r"cannot read .* expected an \.npz file"):
            load(path)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    path.write_bytes(packed(x=np.array([[Bomb()]], dtype=object), y=Y))
    with pytest.raises(InputError, match=r"not a plain \.npz"):
        load(path)


@given(st.booleans(), st.data())
def test_a_damaged_file_loads_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, compressed: bool, data: st.DataObject
) -> None:
    """Whatever bytes are changed, nothing but an InputError comes out."""
    content = bytearray(packed(compressed, x=X, y=Y))
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[position] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        assert load(path).x.any()


TABLE = np.column_stack([X, Y])
TABLES: dict[str, Callable[[Path], object]] = {
    "a.npy": lambda path: np.save(path, TABLE),
    "a.csv": lambda path: np.savetxt(path, TABLE, delimiter=","),
    "heading.csv": lambda path: np.savetxt(path, TABLE, delimiter=",", header="a,b,c,label", comments=""),
    "a.tsv": lambda path: np.savetxt(path, TABLE, delimiter="\t"),
    "a.txt": lambda path: np.savetxt(path, TABLE),
    "mark.TXT": lambda path: path.write_text("\ufeff0 1 2 0\n\n3 4 5 1\n6 7 8 2\n9 10 11 1\n", encoding="utf-8"),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_read_with_the_labels_last(name: str, tmp_path: Path) -> None:
    TABLES[name](tmp_path / name)
    data = load(tmp_path / name)
    np.testing.assert_array_equal(data.x, X)
    np.testing.assert_array_equal(data.labels, Y)


WRONG_TABLES: dict[str, tuple[bytes, str]] = {
    "a.csv": (b"1,2,0\n3,4\n", "line 2 of .* has 2 columns, not 3"),
    "b.csv": (b"a,b,c\n1,x,0\n", "line 2 of .* is not numbers: '1,x,0'"),
    "c.csv": (b"1,2,0\n3,4,0.5\n", "integer labels"),
    "d.csv": (b"\xff\xfe\x00\x01", "not text in UTF-8"),
    "e.csv": (b"", r"numbers of shape \(0,\)"),
    "f.txt": (b"1\n2\n", r"numbers of shape \(2, 1\)"),
    "g.npy": (b"\x80\x04N.", "not a .npy file of numbers"),
    "h.npy": (npy()[:-8], "not a .npy file of numbers"),
    "i.mat": (b"MATLAB", "ends in '.mat'; expected an .npz file"),
    "j": (b"1,2,0", "ends in ''; expected an .npz file"),
}


@pytest.mark.parametrize("name", WRONG_TABLES)
def test_wrong_tables(name: str, tmp_path: Path) -> None:
    content, message = WRONG_TABLES[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        load(tmp_path / name)
    assert "allow_pickle" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_array_of_objects_is_not_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([[Bomb(), 1]], dtype=object))
    with pytest.raises(InputError, match="objects are not unpickled"):
        load(tmp_path / "objects.npy")
