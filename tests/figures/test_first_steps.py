"""The first steps: rates against closed forms, and a net that is trained against one step by hand."""

import numpy as np
import pytest

from figures import first_steps
from figures.tools.figure import DATA
from figures.tools.table import read_csv
from simulations import stream
from tests.figures.agreement import changed

SMALL = {"width": 8, "layers": 2, "draws": 4000, "trained": 80, "steps": [1, 2]}


@pytest.mark.slow
def test_rates_agree() -> None:
    """Nets of 2 layers, 400 draws a point, within 6 standard errors.

    He's and Xavier's inner products are skewed to the right, so their standard error is that of theory's bound.
    """
    table = changed("first_steps", **SMALL)
    rates = table.where(panel="rate")
    assert len(rates) == 6
    off = np.abs(rates.numbers("measured") - rates.numbers("expected"))
    assert np.all(off <= 6 * rates.numbers("expected") * np.sqrt(6.1 / 400))  # 6.1: `plain_move_second_moment`
    fixup = rates.where(start="Fixup")
    assert np.all(np.abs(fixup.numbers("measured") - fixup.numbers("expected")) <= 6 * fixup.numbers("error"))


def test_rates_expect() -> None:
    assert first_steps._expected("He, plain", 8, 2, 1) == 1
    assert first_steps._expected("He, plain", 8, 2, 2) == 3 + 9 / 8
    assert first_steps._expected("Xavier, plain", 8, 2, 2) == (3 + 9 / 8) / 2
    assert first_steps._expected("Fixup", 8, 2, 1) == 1 / 2


def test_moves_of_one_layer_by_hand() -> None:
    """The gradient of ||relu(W x)||^2 / 2 in W has the square ||relu(W x)||^2 for ||x|| = 1."""
    network = first_steps._net("He, plain", 5, 1, None, None)
    weights = network.draw(stream(0, "by hand"), 7)["layer0.weight"]
    found = first_steps.moves(network, stream(0, "by hand"), 7)
    assert found[:, 0] == pytest.approx(np.square(np.maximum(weights[:, 0], 0)).sum(axis=1))


def test_what_training_left() -> None:
    table = read_csv(DATA / "first_steps.csv").where(panel="training")
    last = {
        (start, steps): table.where(start=start, steps=steps, depth=16.0)
        for start in first_steps.LOOKS
        for steps in (1.0, 10.0)
    }
    he, fixup = (last[start, 10.0].numbers("measured")[0] for start in ("He, plain", "Fixup"))
    assert he < 0.6 < 0.8 < fixup < 1
    assert last["Xavier, plain", 10.0].numbers("measured")[0] == pytest.approx(1, abs=0.01)
