"""Equal units stay equal: the gap of incoming weights after a step."""

import pytest

from theory.training import symmetry


def test_gap() -> None:
    assert symmetry.incoming_gap(0.1, 2, 3, 1, 0) == 0
    assert float(symmetry.incoming_gap(0.1, 2, 3, 1, 0.5)) == pytest.approx(-0.3)
