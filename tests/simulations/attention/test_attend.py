"""Attention by hand, against a loop over queries, and by central differences; masks and what is refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from simulations import stream
from simulations.attention import masks
from simulations.attention.attend import attend, merge, products, split
from simulations.attention.softmax import SMALL, softmax
from simulations.numbers.arrays import Array
from simulations.strategies import Heads, heads
from tests.simulations.layers.test_network import differences


def by_loops(case: Heads, scale: float) -> tuple[Array, Array]:
    """Outputs and weights, one query at a time, over the keys that it sees and no others."""
    queries, keys, values = case.queries, case.keys, case.values
    seen = np.broadcast_to(case.mask, (*queries.shape[:4], keys.shape[3]))
    output, weights = np.zeros((*queries.shape[:4], values.shape[4])), np.zeros(seen.shape)
    group = queries.shape[2] // keys.shape[2]
    for place in np.ndindex(queries.shape[:4]):
        draw, one, head, _ = place
        some = np.flatnonzero(seen[place])
        logits = scale * keys[draw, one, head // group, some] @ queries[place]
        shares = np.exp(logits - logits.max())
        weights[place][some] = shares / shares.sum()
        output[place] = weights[place] @ values[draw, one, head // group]
    return output, weights


@given(heads())
def test_equals_a_loop_over_queries(case: Heads) -> None:
    scale = 0.7
    output, weights, _ = attend(case.queries, case.keys, case.values, case.mask, scale=scale)
    expected, shares = by_loops(case, scale)
    np.testing.assert_allclose(weights, shares, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(output, expected, rtol=1e-11, atol=1e-12 * abs(case.values).max())
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-13)
    assert (weights[~np.broadcast_to(case.mask, weights.shape)] == 0).all()


@given(heads())
def test_hidden_keys_change_nothing(case: Heads) -> None:
    """Whatever keys and values stand where no query looks, outputs stay, and no cotangent goes there."""
    seen = np.broadcast_to(case.mask, (*case.queries.shape[:4], case.keys.shape[3]))
    draws, batch, count = case.keys.shape[:3]
    unseen = np.logical_not(seen.reshape(draws, batch, count, -1, seen.shape[-1]).any(axis=3))
    keys, values = (np.where(unseen[..., None], 3.0, one) for one in (case.keys, case.values))
    before, _, _ = attend(case.queries, case.keys, case.values, case.mask)
    after, _, pullback = attend(case.queries, keys, values, case.mask)
    np.testing.assert_allclose(after, before, rtol=1e-12, atol=1e-12 * abs(case.values).max())
    _, dkeys, dvalues = pullback(np.ones_like(after))
    assert not dkeys[unseen].any()
    assert not dvalues[unseen].any()


@pytest.mark.parametrize("key_heads", [1, 2, 4])
@pytest.mark.parametrize("dropout", [False, True])
def test_pullback_equals_central_differences(key_heads: int, dropout: bool) -> None:
    rng = stream(0, "attend", key_heads)
    values = {
        "queries": rng.normal(size=(1, 2, 4, 3, 2)),
        "keys": rng.normal(size=(1, 2, key_heads, 5, 2)),
        "values": rng.normal(size=(1, 2, key_heads, 5, 3)),
    }
    mask = rng.random((2, 1, 3, 5)) < 0.6
    mask[..., 1] = True
    kept = (rng.random((1, 2, 4, 3, 5)) < 0.7) / 0.7 if dropout else None
    output, _, pullback = attend(**values, mask=mask, scale=1.3, kept=kept)
    cotangent = rng.normal(size=output.shape)
    for name, found in zip(values, pullback(cotangent), strict=True):

        def projected(copies: Array, name: str = name) -> Array:
            repeated = {other: np.repeat(one, len(copies), axis=0) for other, one in values.items()} | {name: copies}
            total: Array = (attend(**repeated, mask=mask, scale=1.3, kept=kept)[0] * cotangent).sum(axis=(1, 2, 3, 4))
            return total

        expected, error = differences(projected, values[name])
        assert error.max() < abs(expected).max() / 100
        assert (abs(found - expected) <= error).all(), name


def test_two_keys_by_hand() -> None:
    """Logits 0 and log 3, so weights 1/4 and 3/4; the default scale is 1/sqrt(4)."""
    query = np.array([2.0, 0, 0, 0]).reshape(1, 1, 1, 1, 4)
    keys = np.array([[0.0, 5, 5, 5], [np.log(3), 7, 7, 7]]).reshape(1, 1, 1, 2, 4)
    values = np.array([[4.0, 0], [0, 8]]).reshape(1, 1, 1, 2, 2)
    output, weights, pullback = attend(query, keys, values)
    np.testing.assert_allclose(weights[0, 0, 0, 0], [0.25, 0.75], rtol=1e-15)
    np.testing.assert_allclose(output[0, 0, 0, 0], [1, 6], rtol=1e-15)
    dquery, dkeys, dvalues = pullback(np.array([1.0, 0]).reshape(1, 1, 1, 1, 2))
    np.testing.assert_allclose(dvalues[0, 0, 0], [[0.25, 0], [0.75, 0]], rtol=1e-15)
    # d(4 p)/dlogit = 4 p (1 - p) = 3/4, and the logits are query . key / 2.
    np.testing.assert_allclose(dkeys[0, 0, 0], [[0.75, 0, 0, 0], [-0.75, 0, 0, 0]], rtol=1e-14)
    np.testing.assert_allclose(dquery[0, 0, 0, 0], 0.375 * (keys[0, 0, 0, 0] - keys[0, 0, 0, 1]), rtol=1e-14)
    logits, _ = products(query, keys)
    np.testing.assert_allclose(logits[0, 0, 0, 0], [0, 2 * np.log(3)], rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_of_large_logits_equals_that_of_small_ones(dtype: type) -> None:
    """A common shift takes logits over the limit at which they are shifted back; neither overflows nor loses rows."""
    z: Any = stream(0, "softmax").normal(size=(3, 5, 7)).astype(dtype)
    mask = stream(0, "mask").random((5, 7)) < 0.5
    mask[:, 2] = True
    limit = SMALL[z.dtype.char]
    for shift in (0.9 * limit, 1.5 * limit, -0.9 * limit, -1.5 * limit, 100 * limit):
        weights, _ = softmax(z + dtype(shift), mask)
        expected, _ = softmax(z, mask)
        assert weights.dtype == dtype
        np.testing.assert_allclose(weights, expected, rtol=8 * float(np.finfo(dtype).eps) * abs(shift))
    steep, back = softmax(z * dtype(1e4), mask)
    assert (steep.max(axis=-1) == 1).all()
    assert np.isfinite(back(np.ones_like(z))).all()
    huge = np.where(mask, z, dtype(1e30))
    np.testing.assert_allclose(softmax(huge, mask)[0], softmax(z, mask)[0], rtol=20 * float(np.finfo(dtype).eps))


def test_rows_of_the_softmax_s_pullback_sum_to_zero() -> None:
    z = stream(0, "softmax").normal(size=(4, 6, 9))
    _, pullback = softmax(z)
    dz = pullback(stream(0, "cotangent").normal(size=z.shape))
    assert abs(dz.sum(-1)).max() < 1e-15
    assert abs(dz).max() > 0.1


def test_split_and_merge() -> None:
    rows = np.arange(2 * 6 * 4.0).reshape(2, 6, 4)
    parts = split(rows, 3, 2)
    assert parts.shape == (2, 3, 2, 2, 2)
    assert parts[1, 2, 1, 0].tolist() == rows[1, 4, 2:].tolist()
    np.testing.assert_array_equal(merge(parts), rows)


def test_causal_masks() -> None:
    np.testing.assert_array_equal(masks.causal(3), [[1, 0, 0], [1, 1, 0], [1, 1, 1]])
    np.testing.assert_array_equal(masks.causal(2, 4), [[1, 1, 1, 0], [1, 1, 1, 1]])


ROWS = np.ones((1, 2, 4, 3, 5))
FLOATS: Any = np.ones((2, 3))


@pytest.mark.parametrize(("make", "message"), [
    (lambda: masks.causal(3, 2), "at least as many keys as queries, got 2 and 3"),
    (lambda: softmax(np.ones((2, 3)), np.array([[True] * 3, [False] * 3])),
     r"hides every key from the query at \(1,\) of \(2,\); a softmax needs at least one: let queries of padding"),
    (lambda: softmax(np.ones((2, 3)), FLOATS), "must be of bool, True for keys that are seen, got float64"),
    (lambda: softmax(np.ones((2, 3)), np.ones((2, 2), bool)), r"mask of shape \(2, 2\) does not fit .* \(2, 3\)"),
    (lambda: softmax(np.ones((2, 3)), np.ones((1, 2, 3), bool)), r"mask of shape \(1, 2, 3\) does not fit"),
    (lambda: attend(ROWS, ROWS[..., :4], ROWS), r"expected queries .* got .*\(1, 2, 4, 3, 4\)"),
    (lambda: attend(ROWS, ROWS[:, :, :3], ROWS[:, :, :3]), "the heads a multiple of the heads of keys"),
    (lambda: attend(ROWS, ROWS, ROWS[:, :, :, :2]), "expected queries"),
    (lambda: attend(ROWS[0], ROWS[0], ROWS[0]), "expected queries"),
])  # fmt: skip
def test_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
