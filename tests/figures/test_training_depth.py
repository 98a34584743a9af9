"""Training at depth: what trains, and that the figure shows what the benchmark found."""

from pathlib import Path

import numpy as np
import pytest

from figures import training_depth
from figures.tools import epochs
from tests.figures.agreement import changed


@pytest.mark.slow
def test_training_depth_trains() -> None:
    """Chance alone gets half of 297 labels right with probability below 1e-60; other machines round otherwise."""
    table = changed("training_depth", depths=[10, 100])
    assert np.all(table["trained"] == 1)
    for start in ("Fixup, scalars at 1/1000", "Fixup, scalars at 1/10", "BatchNorm after", "BatchNorm before", "LSUV"):
        assert table.where(start=start).numbers("measured").min() > 0.5
    he = table.where(start="He")
    assert np.isnan(he.where(layers=100.0).numbers("measured")).all()
    assert np.isfinite(he.where(layers=10.0).numbers("measured")).all()
    assert np.abs(table.where(start=r"$\sqrt{1/2}$ scaling", layers=100.0).numbers("measured") - 0.1).max() < 0.2


def test_training_depth_reads_what_the_benchmark_found() -> None:
    """Every cell at one rate, that of the benchmark, and found again here but for rounding."""
    known, parameters = epochs.known(), training_depth.FIGURE.parameters
    for name, factor in parameters["starts"].values():
        for layers in parameters["depths"]:
            cells = [cell for cell in known if cell[:3] == (name, factor, layers)]
            assert len({cell[3] for cell in cells}) == 1
            assert sorted(cell[4] for cell in cells) == list(range(parameters["seeds"]))
    assert known["batch_norm_pre", 0.1, 10000, 0.01, 0] == pytest.approx(0.754, abs=0.001)
    again = epochs.accuracy("fixup", 0.001, 0.3, 100, 1, parameters)
    assert again == pytest.approx(known["fixup", 0.001, 100, 0.3, 1], abs=0.05)
    with pytest.raises(FileNotFoundError, match="no such file"):
        epochs.known(Path("no such file"))
