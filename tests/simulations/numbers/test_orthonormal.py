"""Orthonormal rows and Cholesky factors of awkward stacks: zero, equal, nearly dependent, huge and tiny rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations import stream
from simulations.numbers.arrays import Array
from simulations.numbers.orthonormal import AMPLIFIED, NOISE, cholesky, orthonormal_rows, unit_rows
from simulations.strategies import inputs, seeds

WIDTH = 7
TYPES = [np.float64, np.float32]


def bound(rows: int, features: int, dtype: type) -> float:
    """Rounding of a row freed of others: inner products of `features` terms and sums of `rows` terms, both twice."""
    return 4 * (rows + features) * float(np.finfo(dtype).eps)


def within_range(x: Array, dtype: type) -> Array:
    """Move sizes up to 1e150 into single precision's range, 1e30."""
    if dtype == np.float64:
        return x
    largest = np.abs(x).max(axis=-1, keepdims=True, initial=0)
    moved: Array = (x / np.where(largest > 0, largest, 1) * largest**0.2).astype(dtype)
    return moved


def staircase(step: float, dtype: type) -> Array:
    """Rows of which each is `step` from the span of those before, and the first step^4 from that of the others."""
    x = np.eye(5, WIDTH)
    x[1:] = x[:4] + step * x[1:]
    return x[None].astype(dtype)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", TYPES)
@given(inputs(features=WIDTH), inputs(features=WIDTH), seeds(), st.sampled_from([0, 1e-4, 1e-9, 1e-15]))
def test_rows_are_orthonormal_or_zero_and_span_what_was_asked(
    dtype: type, first: Array, second: Array, seed: int, noise: float
) -> None:
    first = first * (1 + noise * stream(seed).standard_normal(first.shape))  # duplicates become nearly dependent
    first, second = (within_range(x, dtype)[None] for x in (first, second))
    basis = orthonormal_rows(first, np.empty((1, 0, WIDTH), dtype))
    new = orthonormal_rows(second, basis)
    rows = np.concatenate([basis, new], axis=1)[0].astype(np.longdouble)
    tolerance = bound(len(rows), WIDTH, dtype)
    products = rows @ rows.T
    kept = np.diagonal(products) > 0.5
    assert (np.abs(products - np.diag(kept)) <= tolerance).all()
    assert not rows[~kept].any()
    assert kept.sum() <= WIDTH
    unit = unit_rows(np.concatenate([first, second], axis=1))[0].astype(np.longdouble)
    left = unit - (unit @ rows.T) @ rows
    assert (np.linalg.norm(left.astype(float), axis=1) <= NOISE * np.finfo(dtype).eps + tolerance).all()


SIZES: list[tuple[type, float]] = [
    (np.float64, 10.0**power) for power in (-322, -300, -160, -140, 0, 150, 155, 300, 308)
]
SIZES += [(np.float32, 10.0**power) for power in (-44, -37, -20, -12, 0, 18, 25, 38)]


@pytest.mark.parametrize(("dtype", "size"), SIZES)
def test_unit_rows_of_any_size(dtype: type, size: float) -> None:
    x: Array = np.zeros((2, 2, 4), dtype)
    x[0, 1] = (np.array([3, 0, -4, 12]) / 13 * size).astype(dtype)
    unit = unit_rows(x)
    exact = x[0, 1].astype(np.longdouble)
    assert np.abs(unit[0, 1] - exact / np.sqrt((exact**2).sum())).max() <= 4 * np.finfo(dtype).eps
    assert not unit[0, 0].any()
    assert not unit[1].any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(0, 0, 0), (1, 1, 2)])
def test_what_is_not_finite_has_no_direction(value: float, place: tuple[int, int, int]) -> None:
    x = np.ones((2, 2, 3))
    x[place] = value
    assert cholesky(x) is None
    with pytest.raises(ValueError, match=r"NaN or infinite; expected finite"):
        unit_rows(x)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", TYPES)
@given(inputs(features=WIDTH), seeds(), st.sampled_from([0, 0.03, 0.1, 0.3, 1]))
def test_a_cholesky_factor_amplifies_rounding_no_more_than_it_says(
    dtype: type, x: Array, seed: int, noise: float
) -> None:
    x = x * (1 + noise * stream(seed).standard_normal(x.shape))
    x = within_range(x, dtype)[None]
    found = cholesky(x)
    if found is None:
        return
    lower, inverse = (factor[0].astype(np.longdouble) for factor in found)
    exact = x[0].astype(np.longdouble)
    lengths = np.sqrt((exact**2).sum(axis=1))
    tolerance = bound(len(exact), WIDTH, dtype)
    assert (np.abs(lower @ lower.T - exact @ exact.T) <= tolerance * np.outer(lengths, lengths)).all()
    alive = np.diag(lengths > 0)
    whitened = inverse @ exact
    assert (np.abs(whitened @ whitened.T - alive) <= len(exact) * AMPLIFIED * tolerance).all()


@pytest.mark.parametrize("dtype", TYPES)
def test_well_conditioned_rows_take_the_factor_and_others_do_not(dtype: type) -> None:
    plain: Array = stream(0, "plain").standard_normal((4, 5, 100)).astype(dtype)
    assert cholesky(plain) is not None
    assert cholesky(staircase(0.8, dtype)) is not None
    for step in (0.3, 0.1, 1e-3, 1e-8):  # the second is far from dependent, row after row
        assert cholesky(staircase(step, dtype)) is None
    plain[2, 1] = 0
    assert cholesky(plain) is None
    plain[2, 1] = plain[2, 0]
    assert cholesky(plain) is None


@pytest.mark.parametrize("dtype", TYPES)
def test_a_single_row_is_its_length(dtype: type) -> None:
    found = cholesky(np.array([[[3, 4]], [[0, 0]]], dtype))
    assert found is not None
    assert found[0].ravel().tolist() == [5, 0]
    assert found[1].ravel().tolist() == [dtype(1) / dtype(5), 0]


@pytest.mark.parametrize(("dtype", "size"), [(np.float64, 1e-170), (np.float64, 1e200), (np.float32, 1e-20)])
@pytest.mark.parametrize("rows", [1, 2])
def test_a_row_whose_square_leaves_the_range_is_not_taken_for_zero(dtype: type, size: float, rows: int) -> None:
    assert cholesky(np.full((1, rows, 2), [size, -size], dtype)) is None


def test_an_empty_stack_stays_empty() -> None:
    assert orthonormal_rows(np.empty((2, 0, 3)), np.empty((2, 0, 3))).shape == (2, 0, 3)
