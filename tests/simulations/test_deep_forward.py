"""Very deep residual networks: no bit lost where plain computation is finite, the right slope where it is not."""

import math

import numpy as np
import pytest
from scipy import stats

from simulations import LeakyReLU, Residual, Sequential, he, lecun, stream
from simulations.layers.dense import Dense
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import deep_forward
from theory.residual.logs import block_log_ratio

pytestmark = pytest.mark.slow

WIDTH, HIDDEN, DRAWS = 4, 4, 4
BLOCK = Residual(Sequential((Dense("in", WIDTH, HIDDEN, he), LeakyReLU(), Dense("out", HIDDEN, WIDTH, lecun))))
INPUT = stream(0, "deep", "input").standard_normal((DRAWS, 1, WIDTH))
SEED = 0


def block(position: int, x: Array) -> Array:
    return BLOCK.forward(BLOCK.draw(stream(SEED, "deep", position), DRAWS), x)[0]


def test_equal_to_the_plain_computation_to_the_bit() -> None:
    x, plain = INPUT, [INPUT]
    for position in range(300):
        x = block(position, x)
        plain.append(x)
    for depth in (0, 1, 15, 16, 17, 300):
        logs, mantissas, exponents = deep_forward(block, depth, INPUT)
        np.testing.assert_array_equal(np.ldexp(mantissas, exponents[..., None]), plain[depth])
        direct = np.log2(np.square(plain[depth]).sum(axis=-1))
        # A logarithm of size 600 rounds to 600 eps, a norm to a few eps.
        np.testing.assert_allclose(logs[-1], direct, rtol=1e-14, atol=1e-14)
    assert abs(x).max() > 2.0**50


def test_slope_at_100000_blocks() -> None:
    """The mean log ratio of a block is that of theory, and not 1, the log2 of the mean ratio (Jensen).

    A block's log ratio does not depend on the direction of its input (Gaussian weights look the same from all sides),
    so log ratios are independent and identically distributed over blocks and draws. Their tails are exponential, so
    with 400,000 of them the false-alarm probability of Student's interval is near the stated 1e-9.
    """
    depth = 100_000
    logs, mantissas, _ = deep_forward(block, depth, INPUT)
    assert logs[-1].min() > 1100 * 2, "the plain computation would overflow"
    assert np.isfinite(logs).all()
    assert (abs(mantissas).max(axis=-1) < 2.0**100).all()
    ratios = np.diff(logs, axis=0).ravel()
    band = float(stats.t.isf(1e-9 / 2, ratios.size - 1)) * ratios.std(ddof=1) / math.sqrt(ratios.size)
    assert band < 0.02
    assert abs(ratios.mean() - block_log_ratio(WIDTH, HIDDEN)) <= band
    assert abs(ratios.mean() - 1.0) > 5 * band
