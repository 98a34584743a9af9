"""Trainable starts: measured against expected at every gain and depth."""

import numpy as np
import pytest

from tests.figures.agreement import off, quick


def test_trainable_agrees() -> None:
    """Bernstein's bound, 6 standard errors and 12 / draws: one share leaves it with probability 3e-8."""
    seen, draws = quick("trainable").seen(), 400
    assert len(seen) == 66
    assert np.all(off(seen) <= 6 * seen.numbers("error") + 12 / draws)


@pytest.mark.parametrize(("width", "best", "gain"), [(8, 0.31, 1.71), (64, 0.95, 1.44)])
def test_the_finding_is_that_of_the_data(width: int, best: float, gain: float) -> None:
    deep = quick("trainable").where(width=width, layers=64)
    expected = deep.numbers("expected")
    assert expected.max() == pytest.approx(best, abs=0.005)
    assert deep.numbers("gain")[expected.argmax()] == pytest.approx(gain, abs=0.02)
