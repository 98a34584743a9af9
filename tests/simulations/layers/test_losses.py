"""Softmax cross-entropy against values by hand, in cases where the naive formula overflows or loses all digits."""

import math

import numpy as np
import pytest

from simulations import one_hot, softmax_loss


def test_values_by_hand() -> None:
    found = softmax_loss(np.array([[0.0, math.log(3)]]), np.array([[0.25, 0.75]]))
    entropy = math.log(4) - 0.75 * math.log(3)
    np.testing.assert_allclose(found.prediction, [[0.25, 0.75]], rtol=1e-15)
    np.testing.assert_allclose(found.loss, [entropy], rtol=1e-15)
    np.testing.assert_allclose(found.entropy, [entropy], rtol=1e-15)
    np.testing.assert_allclose(found.logit_gradient, [[0, 0]], rtol=0, atol=1e-16)


def test_huge_and_tied_logits() -> None:
    logits = np.array([[1e300, -1e300, 0.0], [1e300, 1e300, 1e300], [1e5, 1e5, -1e5]])
    found = softmax_loss(logits, one_hot(np.array([0, 1, 2]), 3))
    np.testing.assert_array_equal(found.loss, [0.0, math.log(3), math.log(2) + 2e5])
    np.testing.assert_allclose(found.entropy, [0.0, math.log(3), math.log(2)], rtol=1e-15)
    np.testing.assert_array_equal(softmax_loss(logits[:1], one_hot(np.array([1]), 3)).loss, [2e300])


def test_one_hot() -> None:
    np.testing.assert_array_equal(one_hot(np.array([[2], [0]]), 3), [[[0, 0, 1]], [[1, 0, 0]]])


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([[1.0, 0.0]], "3 logits but 2 targets"),
        ([[0.5, 0.0, 0.0]], "must sum to 1"),
        ([[math.nan, 0.0, 1.0]], "must sum to 1"),
    ],
)
def test_refused(targets: list[list[float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        softmax_loss(np.zeros((1, 3)), np.array(targets))
