"""Lengths before a post-LN norm, by sampling."""

import numpy as np
import pytest

from theory.normalisation.layer_norm import SQUARE_NORM
from theory.symbols import N
from theory.transformer import post_ln

DIRECTIONS = np.array([[1.0, 1.0, -2.0], [2.0**0.5, -(2.0**0.5), 0.0]])


@pytest.mark.parametrize("x", DIRECTIONS / np.sqrt((DIRECTIONS**2).mean(axis=1, keepdims=True)))
def test_lengths_know_the_norm_alone(x: np.ndarray) -> None:
    rng = np.random.default_rng(5)
    squares = ((x + 0.8**0.5 * rng.standard_normal((200_000, 3))) ** 2).sum(axis=1)
    told = post_ln.length().at({SQUARE_NORM: 3, N: 3, post_ln.SIZE: 0.8, post_ln.AT: 0.3})
    seen = np.exp(-0.3 * squares)
    assert float(told) == pytest.approx(seen.mean(), abs=6 * seen.std() / 200_000**0.5)


def test_mean_square() -> None:
    rng, x = np.random.default_rng(6), DIRECTIONS[0] / DIRECTIONS[0].std()
    variances = (x + 2**0.5 * rng.standard_normal((200_000, 3))).var(axis=1)
    assert variances.mean() == pytest.approx(float(post_ln.mean_square_before_norm(3, 2)), rel=0.02)
    assert float(post_ln.mean_square_before_norm(10**6)) == pytest.approx(2, rel=1e-5)
    with pytest.raises(ValueError, match="size is -1"):
        post_ln.mean_square_before_norm(3, -1)


@pytest.mark.parametrize(("width", "hidden"), [(4, 3), (6, 10)])
def test_a_block_backwards_lies_between_its_bounds(width: int, hidden: int) -> None:
    """The lower bound is derived by hand, so it is asked here: both within the noise of 40,000 draws."""
    rng, draws = np.random.default_rng(8), 40_000
    x = np.linspace(-1, 1, width) ** 3
    x /= x.std()
    first = rng.standard_normal((draws, hidden, width)) * (2 / width) ** 0.5
    last = rng.standard_normal((draws, width, hidden)) / hidden**0.5
    whole = np.eye(width) + last @ ((first @ x > 0)[:, :, None] * first)
    after = whole @ x
    jacobian = np.eye(width) - 1 / width
    along = after @ jacobian
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    taken = jacobian - along[:, :, None] * along[:, None, :]
    squares = ((taken @ whole) ** 2).sum(axis=(1, 2))
    noise = 6 * squares.std() / draws**0.5
    least, most = post_ln.least_block_backwards(width, hidden), post_ln.block_backwards(width)
    assert float(least) - noise < squares.mean() < float(most) + noise
