"""Evidence as a picture: points lie where the numbers say, none covers another, and all of them have names."""

import re
from dataclasses import replace

from claims.examine import Result
from claims.reports.picture import APART, END, picture
from evidence import Finding, inconclusive

CLAIM = Finding(
    kind="mean", verdict="held", p_value=0.5, expected=2.0, measured=2.02, detectable=0.05, effect=0.01, miss=1.0
)
"""A fifth of the smallest error that is seen, above what is expected."""
ABOVE = replace(CLAIM, verdict="refuted", expected=1.8, effect=0.1, miss=1e-11)
"""Twice the smallest error."""


def places(drawn: str) -> dict[str, float]:
    """Return how far across each mark lies, by its name."""
    marks = re.findall(r"<title>(.*?): .*?</title><circle cx=\"([\d.]+)%\"", drawn)
    return {name: float(x) for name, x in marks}


def across(drawn: str, multiple: int) -> float:
    """Return where a tick is."""
    label = f"{'−' if multiple < 0 else ''}{abs(multiple)}"
    found = re.search(rf'class="tick" x="([\d.]+)%"[^>]*>{label}<', drawn)
    assert found
    return float(found[1])


def test_points_and_band_are_drawn_to_scale() -> None:
    below = replace(ABOVE, expected=2.3, effect=0.15)
    drawn = picture(Result("a.b", CLAIM, (("above", ABOVE), ("below", below)), 1.0))
    zero, one = across(drawn, 0), across(drawn, 1)
    unit = one - zero
    found = places(drawn)
    for name, multiple in (("the claim", 0.2), ("above", 2), ("below", -3)):
        assert abs(found[name] - (zero + multiple * unit)) < 0.15, name
    band = re.search(r'class="band" x="([\d.]+)%" width="([\d.]+)%"', drawn)
    assert band
    assert abs(float(band[1]) - (zero - unit)) < 0.15
    assert abs(float(band[2]) - 2 * unit) < 0.15


def test_what_lies_beyond_the_end_is_marked_there() -> None:
    far = replace(ABOVE, effect=100.0)
    drawn = picture(Result("a.b", CLAIM, (("far", far), ("near", ABOVE)), 1.0))
    assert places(drawn)["far"] == across(drawn, int(END))
    assert drawn.count('class="beyond"') == 1


def test_no_mark_covers_another() -> None:
    drawn = picture(Result("a.b", CLAIM, tuple((f"m{i}", ABOVE) for i in range(5)), 1.0))
    marks = [(float(x), float(y)) for x, y in re.findall(r'<circle cx="([\d.]+)%" cy="([\d.]+)"', drawn)]
    assert len(marks) == 6
    for i, (x, y) in enumerate(marks):
        assert all(abs(x - other_x) >= APART or abs(y - other_y) >= 20 for other_x, other_y in marks[:i])


def test_shares_of_draws_have_an_axis_of_their_own() -> None:
    same = Finding(
        kind="identity + mean",
        verdict="held",
        p_value=None,
        expected="equal",
        measured="gap 12% of tolerance",
        detectable="4e-15 to 5.0%",
        effect=0.0,
        miss=1.0,
    )
    half = replace(same, verdict="refuted", measured="50% of draws differ", effect=0.5, miss=0.0)
    drawn = picture(Result("a.b", same, (("half", half), ("above", ABOVE)), 1.0))
    assert drawn.count("<svg") == 2
    assert places(drawn)["half"] == 50.0
    assert places(drawn)["the claim"] == 7.0


def test_every_mark_can_be_reached_and_says_its_numbers() -> None:
    drawn = picture(Result("a.b", CLAIM, (("<above>", ABOVE),), 1.0))
    assert 'href="#a.b.1" aria-label="&lt;above&gt;: expected 1.8, measured 2.02; off by 2 times' in drawn
    assert drawn.count("<title>") == drawn.count("<a ") == 2


def test_what_found_nothing_is_not_drawn() -> None:
    nothing = inconclusive("mean", "nothing sampled")
    assert picture(Result("a.b", nothing, (("m", nothing),), 1.0)) == ""
    assert "the claim" not in places(picture(Result("a.b", nothing, (("above", ABOVE),), 1.0)))
