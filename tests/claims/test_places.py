"""Places in papers are read as papers print them and as people type them."""

import pytest

from claims.places import places, within, without_places


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Theorem 2, first part", ["theorem 2"]),
        ("thm 2", ["theorem 2"]),
        ("th. 2", ["theorem 2"]),
        ("eq 12", ["equation 12"]),
        ("eq. (12)", ["equation 12"]),
        ("eq12", ["equation 12"]),
        ("eqs 9 and 10", ["equation 9", "equation 10"]),
        ("section 2.2, equations 11 to 14", ["section 2.2", *(f"equation {number}" for number in range(11, 15))]),
        ("theorems 1-3", ["theorem 1", "theorem 2", "theorem 3"]),
        ("figures 1, 2 and 4", ["figure 1", "figure 2", "figure 4"]),
        ("§4.2.1", ["section 4.2.1"]),
        ("appendix B.1", ["appendix b.1"]),
        ("app. A", ["appendix a"]),
        ("appendices A to C", ["appendix a", "appendix c"]),
        ("theorem II.13", ["theorem ii.13"]),
        ("fig. 2a", ["figure 2a"]),
        ("appendix, in the proof of theorem 1", ["theorem 1"]),
        ("section 5.4.1, a product of 100 matrices", ["section 5.4.1"]),
        ("the 2 rules", []),
        ("a theorem", []),
        ("section 3, at m = 1", ["section 3"]),
        ("30 layers of width 5", []),
        ("the 2015 paper", []),
    ],
)
def test_places_are_read(text: str, found: list[str]) -> None:
    assert {" ".join(place) for place in places(text)} == set(found)


def test_words_are_what_is_left() -> None:
    assert without_places("Fixup Theorem 2").split() == ["fixup"]
    assert without_places("he eq 10 gain").split() == ["he", "gain"]


def test_a_section_has_its_parts_and_an_equation_has_none() -> None:
    assert within(("section", "4"), ("section", "4.2.1"))
    assert within(("appendix", "b"), ("appendix", "b.1"))
    assert not within(("section", "4"), ("section", "42"))
    assert not within(("section", "4.2"), ("section", "4"))
    assert not within(("equation", "1"), ("equation", "10"))
