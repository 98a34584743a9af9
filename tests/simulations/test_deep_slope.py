"""Very deep residual networks, whose states no float holds, grow at the rate that theory derives."""

import math

import numpy as np
from scipy import stats

from simulations import residual_mlp, stream
from simulations.deep import deep_run
from simulations.weights.kinds import drawn
from theory.residual.logs import block_log_ratio

WIDTH, DEPTH, DRAWS = 4, 5_000, 80


def test_slope_at_5000_blocks() -> None:
    """The mean log ratio of a block is that of theory, and not 1, the log2 of the mean ratio (Jensen).

    A block's log ratio does not depend on the direction of its input (Gaussian weights look the same from all sides),
    so log ratios are independent and identically distributed over blocks and draws. Their tails are exponential, so
    with 400,000 of them the false-alarm probability of Student's interval is near the stated 1e-9.
    """
    x = stream(0, "deep", "input").standard_normal((DRAWS, 1, WIDTH))
    seen = deep_run(
        residual_mlp(WIDTH, DEPTH),
        x,
        streams=lambda segment: stream(0, "deep", segment),
        kind=drawn(),
        cotangent=np.ones_like(x),
    )
    logs = seen.states[:, 0]
    assert logs[:, -1].min() > 2 * 1100, "the plain computation would overflow"
    ratios = np.diff(logs, axis=1).ravel()
    band = float(stats.t.isf(1e-9 / 2, ratios.size - 1)) * ratios.std(ddof=1) / math.sqrt(ratios.size)
    assert band < 0.02
    assert abs(ratios.mean() - block_log_ratio(WIDTH, WIDTH)) <= band
    assert abs(ratios.mean() - 1.0) > 5 * band
