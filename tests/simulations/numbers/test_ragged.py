"""Rows of nearly equal lengths in one vector, against loops over lists."""

import numpy as np
import pytest

from simulations import stream
from simulations.numbers.arrays import Array
from simulations.numbers.ragged import Rows

LENGTHS = {
    "apart": [3, 7, 4, 9],
    "equal": [5, 5, 5],
    "empty among others": [4, 0, 2, 0],
    "one": [6],
    "all empty": [0, 0],
    "long": [9_000, 9_010],
}


def rows_of(rows: Rows, entries: Array) -> list[Array]:
    """Each row by itself."""
    found, start = [], 0
    for first, longer in zip(rows.rectangle(entries), rows.longer.tolist(), strict=True):
        found.append(np.concatenate([first, rows.rest(entries)[start : start + longer]]))
        start += longer
    return found


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", LENGTHS)
def test_rows_in_one_vector_are_rows(name: str, dtype: type) -> None:
    rows = Rows(np.array(LENGTHS[name]))
    one, other = stream(0, "ragged", name).standard_normal((2, rows.size)).astype(dtype)
    alone, others = rows_of(rows, one), rows_of(rows, other)
    assert [len(row) for row in alone] == LENGTHS[name]
    np.testing.assert_allclose(
        rows.inner(one, other),
        [np.dot(x.astype(float), y) for x, y in zip(alone, others, strict=True)],
        rtol=0,
        atol=1e-4 if dtype is np.float32 else 1e-12,
    )
    assert rows.inner(one, other).dtype == np.float64
    numbers = np.arange(1, len(alone) + 1, dtype=np.float64)
    for row, number, before in zip(rows_of(rows, rows.scaled(numbers, one)), numbers, alone, strict=True):
        assert row.dtype == dtype
        np.testing.assert_array_equal(row, before * dtype(number))
    padded = rows.padded(one, max(LENGTHS[name]) + 2)
    for row, whole in zip(alone, padded, strict=True):
        np.testing.assert_array_equal(whole[: len(row)], row)
        assert not whole[len(row) :].any()
