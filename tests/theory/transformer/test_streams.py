"""Pre-LN streams against averages over all matrices of random signs."""

import itertools

import numpy as np
import pytest

from tests.theory.averages import sign_matrices
from theory.transformer import streams

X = np.array([0.4, -1.3, 1.1])


def _behind_one_block() -> np.ndarray:
    """All states behind a perceptron of two hidden units, each pair of sign matrices once."""
    y = (X - X.mean()) / X.std()
    first, last = sign_matrices(2, 3, (2 / 3) ** 0.5), sign_matrices(3, 2, 0.5**0.5)
    return np.array([X + w2 @ np.maximum(w1 @ y, 0) for w1, w2 in itertools.product(first, last)])


def test_one_block_by_enumeration() -> None:
    seen = _behind_one_block()
    assert (seen**2).sum(axis=1).mean() == pytest.approx(float(streams.square_norm(X @ X, 3, 1)))
    assert seen.var(axis=1).mean() == pytest.approx(float(streams.feature_variance(X.var(), 3, 1)))


def test_growth_in_depth() -> None:
    """Quoted: 37.71 +- .12 after L d = 32 more than |x_0|^2 = 5.62."""
    assert float(streams.square_norm(5.62, 8, 4)) == pytest.approx(37.62)
    assert float(streams.square_norm(2, 8, 4, 0.25)) == pytest.approx(2 + 8)
    assert streams.square_norm(3, 8, 0) == streams.feature_variance(3, 8, 0) == 3


@pytest.mark.parametrize("layers", [1, 12, 96])
def test_scaled_branches_add_the_same_at_every_depth(layers: int) -> None:
    assert float(streams.scaled_norm(4.84, 8)) == pytest.approx(
        float(streams.square_norm(4.84, 8, 2 * layers, 1 / (2 * layers)))
    )


def test_domain_errors_name_the_argument() -> None:
    with pytest.raises(ValueError, match="start is -1"):
        streams.square_norm(-1, 3, 1)
    with pytest.raises(ValueError, match="layers or branches is -1"):
        streams.square_norm(1, 3, -1)
