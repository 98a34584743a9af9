"""How far small weights attenuate, at numbers quoted in the literature."""

from theory.plain import attenuation


def test_attenuation() -> None:
    assert [round(float(attenuation.attenuation(d, 0.01)), 2) for d in (64, 128, 256, 512)] == [5.89, 4.17, 2.95, 2.08]
