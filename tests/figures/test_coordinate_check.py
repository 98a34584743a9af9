"""The coordinate check: one step of a layer on its closed forms, and three steps level with muP alone."""

import pytest

from tests.figures.agreement import changed, within


@pytest.mark.slow
def test_coordinate_check() -> None:
    table = changed("coordinate_check", widths=[32, 128], draws=300)
    within(table.where(steps=1), 30)
    for optimiser, power in (("SGD", 0.5), ("Adam", 1.0)):
        told, level = (table.where(optimiser=optimiser, start=start, steps=1).numbers("expected")
                       for start in ("standard", "muP"))  # fmt: skip
        assert told[1] / told[0] == pytest.approx(4**power)
        assert level[1] / level[0] == pytest.approx(1)
        usual, kept = (table.where(optimiser=optimiser, start=start, steps=3).numbers("measured")
                       for start in ("standard", "muP"))  # fmt: skip
        assert usual[1] / usual[0] > kept[1] / kept[0]
        assert kept[1] / kept[0] == pytest.approx(1, abs=0.25)
