"""Norms of plain nets: measured against expected, and that against powers of the gains."""

import numpy as np
import pytest

from tests.figures.agreement import expected, off, quick
from theory.domain import number
from theory.fluctuations import norms as fluctuations


@pytest.mark.slow
def test_plain_nets_agree() -> None:
    """6 standard errors of Gaussian weights, which no start exceeds.

    Means of 20 skewed draws, log-normal with the relative variance 0.8 of 30 layers, are above that with probability
    1e-4 (found by simulation), and the layers of a net fail together.
    """
    table, width = quick("plain_nets"), 256
    relative = np.array([number(fluctuations.relative_variance([width] * layer)) for layer in range(31)])
    for start, draws in (("He", 200), ("LeCun", 200), ("Glorot", 200), ("PyTorch", 20), ("PyTorch with biases", 20)):
        rows = table.where(start=start)
        assert np.all(off(rows) <= rows.numbers("expected") * (6 * np.sqrt(relative / draws) + 1e-12)), start


def test_plain_nets_expect() -> None:
    powers = {"He": 1.0, "LeCun": 2.0**-22, "Glorot": 2.0**-22, "PyTorch": 6.0**-22}
    for start, power in powers.items():
        assert expected("plain_nets", start=start, layer=22) == pytest.approx(power)
    floor = 1 / (5 * 256)  # m = m / 6 + 1 / (6 n)
    assert expected("plain_nets", start="PyTorch with biases", layer=30) == pytest.approx(floor)
