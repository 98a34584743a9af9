"""Fourth moments where width and depth grow together."""

import math

import pytest

from theory.fluctuations import width_and_depth


def test_width_and_depth() -> None:
    assert float(width_and_depth.fourth_moment_limit(20)) == pytest.approx(math.exp(0.25))
    assert float(width_and_depth.fourth_moment(20 * 500, 500)) == pytest.approx(math.exp(0.25), rel=1e-3)
    with pytest.raises(ValueError, match="width_per_layer"):
        width_and_depth.fourth_moment_limit(0)
