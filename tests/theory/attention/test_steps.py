"""One step on a logit, done in NumPy."""

import numpy as np
import pytest

from theory.attention import steps

RNG = np.random.default_rng(3)
QUERY, KEY, X, Y = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4)), RNG.normal(size=4), RNG.normal(size=4)
Q, K = QUERY @ X, KEY @ Y


def test_a_step_of_sgd() -> None:
    step, tau = 0.3, 1.7
    after = (QUERY - step * np.outer(K, X) / tau) @ X @ ((KEY - step * np.outer(Q, Y) / tau) @ Y) / tau
    told = steps.sgd_move(tau, step, X @ X, Y @ Y, Q @ Q, K @ K, Q @ K)
    assert after - Q @ K / tau == pytest.approx(float(told))


def test_a_first_step_of_adam() -> None:
    after = (QUERY + 0.1 * np.sign(np.outer(K, X))) @ X @ ((KEY + 0.1 * np.sign(np.outer(Q, Y))) @ Y)
    sums = [float(np.abs(one).sum()) for one in (X, Y, Q, K)]
    told = steps.adam_move(0.1, (sums[0], sums[1]), (sums[2], sums[3]), float(np.sign(Q) @ np.sign(K)))
    assert after - Q @ K == pytest.approx(float(told))


def test_mean_kernel() -> None:
    assert steps.mean_kernel(4, 0.5, 0.25, 3, 2, 2) == pytest.approx(4 * 0.75 * 6 / 4)
    assert float(steps.absolute_entry().result) == pytest.approx(0.797884560802865)
