"""People find claims by what they remember of them: the right ones, and not too many."""

import pytest

from claims.catalogue import REGISTRY
from claims.ledger import Item, Ledger, ledgers
from claims.selection import Finder

FINDER = Finder(REGISTRY.values(), ledgers().values())


def codes(pattern: str, finder: Finder = FINDER) -> set[str]:
    return {code for claim in finder.chosen(pattern) for code in claim.codes}


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("A1", {"A1"}),
        ("a1", {"A1"}),
        ("residual.residual_stream_doubles", {"R2"}),
        ("residual_stream_doubles", {"R2"}),
        ("fixup theorem 1", {"P4", "P5", "P6"}),
        ("eq 10 he", {"C1", "C21"}),
        ("he eq. (10)", {"C1", "C21"}),
        ("hanin theorem 6", {"R6", "R9"}),
        ("theorem II.13", {"O3"}),
        ("LSTM", {"N1", "N2", "N4"}),
        ("harmonic mean fans", {"X2"}),
        ("99", set()),
        ("no such claim", set()),
        ("fixup theorem 99", set()),
        ("", set()),
    ],
)
def test_a_pattern_finds_the_right_claims(pattern: str, found: set[str]) -> None:
    assert codes(pattern) >= found
    assert len(codes(pattern)) <= len(found) + 4
    assert codes(pattern) <= found or pattern != pattern.upper(), "a code is found alone"


def test_a_paper_is_found_by_its_author_with_all_of_its_claims_and_few_others() -> None:
    for pattern, paper in (("Fixup", "(Fixup)"), ("Glorot", "Glorot"), ("He", "He, Zhang"), ("Balduzzi", "Balduzzi")):
        own = {claim.id for claim in REGISTRY.values() if paper in claim.paper}
        found = {claim.id for claim in FINDER.chosen(pattern)}
        assert own <= found
        others = {code for one in ledgers().values() if one.bears(pattern) or paper in one.name for code in one.codes}
        assert all(set(REGISTRY[id].codes) & others for id in found - own), "or in its ledger"


def test_wildcards_work_as_in_a_shell() -> None:
    assert {claim.subject for claim in FINDER.chosen("homogeneity.*")} == {"homogeneity"}
    assert FINDER.chosen("Glorot*")
    assert codes("A*") >= {"A1", "A2"}
    assert not FINDER.chosen("doubles*")


def test_short_words_are_whole_words_and_long_ones_may_be_parts() -> None:
    assert "X2" not in codes("mea")
    assert {"R2"} <= codes("doubl")


def test_a_place_is_that_of_the_paper_that_is_named() -> None:
    (doubling,), (product,) = ([c for c in REGISTRY.values() if code in c.codes] for code in ("R2", "C1"))
    papers = [
        Ledger(
            "one", ("Abe 2001",), "t", 2001, "r", (Item("section 3", "s", ("R2",)), Item("theorem 1", "s", ("C1",)))
        ),
        Ledger("two", ("Bea 2002",), "t", 2002, "r", (Item("theorem 1", "s", ("R2",)), Item("eq 4.1", "s", ("C1",)))),
    ]
    finder = Finder([doubling, product], papers)
    assert codes("abe theorem 1", finder) == {"C1"}
    assert codes("bea theorem 1", finder) == {"R2"}
    assert codes("theorem 1", finder) == {"C1", "R2"}
    assert codes("abe section 3", finder) == {"C1", "R2"}, "a section has what stands below its heading"
    assert codes("two equation 4.1", finder) == {"C1"}
    assert codes("bea section 3", finder) == set()


@pytest.mark.parametrize(
    ("pattern", "near"),
    [
        ("theorm 2", "theorem 2"),
        ("fixup theorm 2", "fixup theorem 2"),
        ("glorto", "glorot"),
        ("fixpu theorem 2", "fixup theorem 2"),
        ("leaky relu gian", "leaky relu gain"),
        ("R99", "R9"),
        ("residual.residual_stream_double", "residual.residual_stream_doubles"),
        ("qqqq", ""),
        ("99", ""),
    ],
)
def test_what_is_nearest_is_suggested_and_is_found(pattern: str, near: str) -> None:
    assert FINDER.nearest(pattern) == near
    assert not near or FINDER.chosen(near)


def test_the_nearest_place_of_the_paper_is_suggested() -> None:
    assert FINDER.nearest("fixup theorem 9").startswith("fixup theorem ")
    assert FINDER.chosen(FINDER.nearest("fixup theorem 9"))
