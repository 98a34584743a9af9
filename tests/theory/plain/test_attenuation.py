"""How far small weights attenuate, at numbers quoted in the literature."""

import pytest

from theory.plain import attenuation


def test_attenuation() -> None:
    assert [round(float(attenuation.attenuation(d, 0.01)), 2) for d in (64, 128, 256, 512)] == [5.89, 4.17, 2.95, 2.08]
    assert float(attenuation.total_attenuation([64, 128], 0.01)) == pytest.approx(5.8926 * 4.1667, rel=1e-4)
