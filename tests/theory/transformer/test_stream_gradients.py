"""Gradients in streams by enumeration of signs, by sampling the walk, and in their limits."""

import itertools

import numpy as np
import pytest

from tests.theory.averages import sign_matrices
from theory.transformer import stream_gradients

X, V = np.array([0.4, -1.3, 1.1]), np.array([1.0, 0.2, -0.7])


def test_one_block_by_enumeration() -> None:
    y = (X - X.mean()) / X.std()
    jacobian = (np.eye(3) - 1 / 3 - np.outer(y, y) / 3) / X.std()
    squares = []
    for first, last in itertools.product(sign_matrices(2, 3, (2 / 3) ** 0.5), sign_matrices(3, 2, 0.5**0.5)):
        back = V + jacobian @ first.T @ ((first @ y > 0) * (last.T @ V))
        squares.append(back @ back)
    assert np.mean(squares) == pytest.approx(V @ V * float(stream_gradients.block_growth(3, X.var())))


@pytest.mark.parametrize("blocks", [1, 4])
@pytest.mark.parametrize("order", [1, 2])
def test_shares_of_a_sampled_walk(blocks: int, order: int) -> None:
    rng, draws = np.random.default_rng(7), 40_000
    sizes = 2 / 6 * (np.maximum(rng.standard_normal((draws, blocks, 6)), 0) ** 2).sum(axis=2)
    shares = (sizes[:, 0] / (0.5 + sizes.sum(axis=1))) ** order
    found = stream_gradients.share_moment(6, blocks, 0.5, order)
    assert found == pytest.approx(shares.mean(), abs=6 * shares.std() / draws**0.5)


def test_the_bound_is_the_limit_of_wide_perceptrons() -> None:
    for blocks in (1, 5, 40):
        bound = float(stream_gradients.wide_last_gradient(16, 2000, blocks))
        exact = stream_gradients.last_gradient(16, 2000, blocks)
        # r / (V_0 + S) has at most Var r = 5/h less
        assert bound * (1 - 5 / 2000) < exact < bound


def test_as_quoted() -> None:
    """Quoted: (L + 1) times the squared gradient is 498 to 577 at d = 16 and L = 1 to 16; the starts were not kept."""
    products = [(1 + blocks) * stream_gradients.last_gradient(16, 64, blocks) / 64 for blocks in (1, 4, 16)]
    assert max(products) / min(products) < 577 / 498


def test_domain_errors_name_the_argument() -> None:
    with pytest.raises(ValueError, match="width is 3"):
        stream_gradients.last_gradient(3, 4, 1)
    with pytest.raises(ValueError, match="variance is 0"):
        stream_gradients.block_growth(4, 0)
