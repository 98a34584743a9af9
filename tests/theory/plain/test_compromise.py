"""What Glorot's compromise leaves forwards and backwards, at quoted numbers."""

import pytest

from theory.plain import compromise


def test_a_hundred_to_three_hundred() -> None:
    ahead, back = compromise.forward(100, 300), compromise.backward(100, 300)
    assert [float(v) for v in (ahead, back, ahead * back)] == [0.5, 1.5, 0.75]
    assert float(compromise.cycle_gain(100, 300)) == float(compromise.cycle_gain(300, 100)) == 0.75
    assert compromise.cycle_gain(7, 7) == 1


def test_old_heuristic() -> None:
    assert compromise.old_heuristic_factor() * 6 == compromise.old_heuristic_factor(1) * 3 == 1


def test_domain() -> None:
    with pytest.raises(ValueError, match="fan_in"):
        compromise.forward(0, 3)
