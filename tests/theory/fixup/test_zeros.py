"""What moves first where layers start at zero, against steps taken."""

import pytest

from theory.fixup import zeros


@pytest.mark.parametrize("slopes", [(0.4, -0.9, 1.3), (-1.0, 0.2, 0.5)])
def test_three_steps_of_the_toy(slopes: tuple[float, float, float]) -> None:
    rate, x, start = 0.3, 0.7, 1.1
    readout, last, inner = 0.0, 0.0, start
    moved = []
    for step, slope in enumerate(slopes):
        assert [inner == start, last == 0, readout == 0] == [True, step < 2, step < 1]
        towards = ((1 + last * inner) * x, readout * inner * x, readout * last * x)
        readout, last, inner = (
            value - rate * slope * part for value, part in zip((readout, last, inner), towards, strict=True)
        )
        moved.append(inner - start)
    assert moved[-1] == pytest.approx(float(zeros.first_inner_update(rate, slopes, start, x)), rel=1e-12)


def test_first_steps() -> None:
    assert [zeros.first_step(count) for count in range(3)] == [1, 2, 3]
    with pytest.raises(ValueError, match="zeros is -1"):
        zeros.first_step(-1)
    with pytest.raises(ValueError, match="rate is 0"):
        zeros.first_inner_update(0, (1, 1, 1), 1, 1)


def test_hidden_units_after_one_step() -> None:
    """The gradient of a linear readout of two units, from zero."""
    rate, slope, cotangent, units = 0.3, -0.4, 1.7, (0.9, 0.2)
    after = [0.0 - rate * slope * cotangent * unit for unit in units]
    assert float(zeros.last_layer_gap(rate, slope, cotangent, units)) == pytest.approx(after[0] - after[1])
    assert zeros.last_layer_gap(1, 1, 1, (2, 2)) == 0
    assert zeros.frozen_update() == 0
