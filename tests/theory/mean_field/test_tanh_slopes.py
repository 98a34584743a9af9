"""How lengths of wide tanh nets settle, at known numbers and by differences."""

import pytest

from theory.mean_field import tanh_maps, tanh_slopes


@pytest.mark.slow
@pytest.mark.parametrize(("gain", "known"), [(5 / 3, 0.4309), (2, 0.3310), (1.2, 0.7195)])
def test_slope(gain: float, known: float) -> None:
    settled = tanh_maps.fixed_point(gain)
    slope = tanh_slopes.length_slope(gain, settled)
    assert slope == pytest.approx(known, abs=5e-5)
    assert tanh_slopes.finite_slope(gain, settled - 1e-4, settled + 1e-4) == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize(("start", "layers", "known"), [(1, 10, 1.044), (0.5, 10, 0.978), (4, 10, 1.112)])
def test_decay(start: float, layers: int, known: float) -> None:
    assert 2 * layers * tanh_slopes.lengths(start, layers)[-1] == pytest.approx(known, abs=6e-4)


def test_decay_in_the_end() -> None:
    assert 2000 * tanh_slopes.lengths(1, 1000)[-1] == pytest.approx(1, abs=3e-3)


def test_refuses() -> None:
    with pytest.raises(ValueError, match="low below high"):
        tanh_slopes.finite_slope(1, 2, 1)
