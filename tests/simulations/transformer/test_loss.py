"""The loss of tokens by hand and by central differences, BLEU by hand, and what both refuse."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from simulations import softmax_loss, stream
from simulations.layers.losses import one_hot
from simulations.transformer.bleu import bleu
from simulations.transformer.loss import CHUNK, token_loss


def test_loss_by_hand() -> None:
    """Probabilities 1/4 and 3/4; smoothed by 0.2 over two tokens, q is 0.1 and 0.9."""
    logits = np.array([[[0.0, np.log(3)], [5.0, 5.0]]])
    found = token_loss(logits, np.array([1, 0]), 0, smoothing=0.2)
    np.testing.assert_allclose(found.total, -0.1 * np.log(1 / 4) - 0.9 * np.log(3 / 4), rtol=1e-15)
    np.testing.assert_allclose(found.logit_gradient, [[[0.15, -0.15], [0.0, 0.0]]], rtol=1e-14)
    assert (found.hits, found.count) == (1, 1)
    np.testing.assert_allclose(token_loss(logits, np.array([1, 0]), 0, divisor=2.0).logit_gradient[0, 0, 0], 1 / 8)


def test_equals_the_softmax_loss_of_one_hot_labels() -> None:
    """Over more rows than are worked on at a time."""
    rng, rows = stream(0, "loss"), 3 * CHUNK + 5
    logits, labels = rng.normal(size=(2, rows, 7)), rng.integers(1, 7, (2, rows))
    found, expected = token_loss(logits, labels, 0), softmax_loss(logits, one_hot(labels, 7))
    np.testing.assert_allclose(found.total, expected.loss.sum(), rtol=1e-13)
    np.testing.assert_allclose(found.logit_gradient, expected.logit_gradient / (2 * rows), rtol=1e-11, atol=1e-17)
    low: Any = logits.astype(np.float32)
    assert token_loss(low, labels, 0).logit_gradient.dtype == np.float32
    np.testing.assert_allclose(token_loss(low, labels, 0).total, found.total, rtol=1e-5)
    np.testing.assert_array_equal(low, logits.astype(np.float32))


def test_bleu_by_hand() -> None:
    """Papineni's clipped unigrams, a sentence against itself, and a brevity penalty alone."""
    the, cat = ["the", "the", "the", "the", "the", "the", "the"], ["the", "cat", "is", "on", "the", "mat"]
    np.testing.assert_allclose(bleu([the], [cat], longest=1), 100 * 2 / 7)
    assert bleu([the], [cat]) == 0
    np.testing.assert_allclose(bleu([cat], [cat]), 100)
    np.testing.assert_allclose(bleu([cat[:4]], [cat]), 100 * np.exp(1 - 6 / 4))
    # 5/6 unigrams, 3/5, 1/4 and then none: with the second pair, 0/3 + 1/1 of 4-grams.
    other = ["the", "cat", "is", "in", "the", "mat"]
    np.testing.assert_allclose(bleu([other, "abcd"], [cat, "abcd"]), 100 * (9 / 10 * 6 / 8 * 3 / 6 * 1 / 4) ** 0.25)


LOGITS = np.zeros((1, 3, 4))


@pytest.mark.parametrize(("make", "message"), [
    (lambda: token_loss(LOGITS, np.array([0, 0, 0]), 0), "every target is padding"),
    (lambda: token_loss(LOGITS, np.array([1, 2, 4]), 0), "targets must be from 0 to 3, got 1 to 4"),
    (lambda: token_loss(LOGITS, np.array([1, 2]), 0), "one a row of 3, got 2 of int64"),
    (lambda: token_loss(LOGITS, np.ones(3), 0), "got 3 of float64"),
    (lambda: token_loss(LOGITS, np.array([1, 2, 3]), 0, smoothing=1.0), "smoothing must be at least 0 and below 1"),
    (lambda: bleu([[1]], []), "a reference for each of 1 translations, got 0"),
    (lambda: bleu([], []), "a reference for each of 0 translations, got 0"),
])  # fmt: skip
def test_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
