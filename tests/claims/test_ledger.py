"""The ledgers: of the right form, complete for claims, and with names that exist."""

import re
from pathlib import Path

import pytest

from claims.catalogue import REGISTRY
from claims.ledger import FOLDER, Item, Ledger, LedgerError, ledgers, named, read
from claims.places import KINDS

CODES = {code for claim in REGISTRY.values() for code in claim.codes}
SHORT = {form for kind, forms in KINDS.items() for form in (kind, *forms)}
FILES = sorted(FOLDER.glob("*.toml"))
GOOD = """
name = "Somebody 2001"
title = "A paper"
year = 2001
read = "text read"
[[item]]
place = "theorem 1"
says = "One."
claims = ["A1"]
[[item]]
place = "theorem 2"
says = "Two."
claims = ["A1", "A2"]
correction = "Not two."
[[item]]
place = "figure 1"
says = "A picture."
unchecked = "needs ImageNet"
"""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_ledger_reads_and_names_claims_that_exist(file: Path) -> None:
    ledger = read(file)
    assert re.fullmatch(r"[a-z0-9_]+", ledger.key)
    assert ledger.items
    assert set(ledger.codes) <= CODES
    for item in ledger.items:
        assert len(set(item.claims)) == len(item.claims), f"{item.place} names a claim twice"
        assert "\n" not in item.says + item.correction + item.unchecked + item.place
        assert item.says.endswith("."), item.place
        assert item.correction.endswith(".") or not item.correction, item.place
        assert not item.unchecked.endswith("."), f"{item.place}: a reason is a phrase without a full stop"
        assert len(item.says) <= 200, f"{item.place}: one line"
        kind = item.place.split()[0]
        assert kind.lower() not in SHORT or kind in KINDS, f"{item.place}: kinds are spelt out, in small letters"


@pytest.mark.parametrize("claim", REGISTRY.values(), ids=REGISTRY)
def test_every_claim_stands_in_a_ledger_of_its_paper(claim) -> None:  # type: ignore[no-untyped-def]
    papers = [one for one in ledgers().values() if one.bears(claim.paper)]
    assert papers, f"no ledger is named {claim.paper!r}, nor has it under also"
    assert any(set(claim.codes) & set(one.codes) for one in papers), f"no item of {papers[0].key} has {claim.codes}"


def test_a_name_belongs_to_no_two_ledgers_alone() -> None:
    """A spelling may be shared where it names two papers, with "; " between them, and a main name may not."""
    names = [one.name for one in ledgers().values()]
    assert len(set(names)) == len(names)
    for one in ledgers().values():
        assert not set(one.names[1:]) & set(names)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    file = tmp_path / "some.toml"
    file.write_text(GOOD)
    return file


def test_verdicts_follow_from_what_stands_there(good: Path) -> None:
    ledger = read(good)
    assert [item.verdict for item in ledger.items] == ["checked", "corrected", "not checked"]
    assert [ledger.count(verdict) for verdict in ("checked", "corrected", "not checked")] == [1, 1, 1]
    assert ledger.codes == ("A1", "A2")
    assert (ledger.key, ledger.name, ledger.year) == ("some", "Somebody 2001", 2001)
    assert Item("rule 1", "One.", ("A1",)).verdict == "checked"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("theorem 2", "theorem 1", "the place 'theorem 1' stands twice"),
        ('unchecked = "needs ImageNet"', "", "item 3 (figure 1): expected either claims or a reason"),
        (
            'correction = "Not two."',
            'correction = "Not two."\nunchecked = "why"',
            "item 2 (theorem 2): expected either",
        ),
        ('claims = ["A1", "A2"]', "", "item 2 (theorem 2): expected either claims or a reason"),
        ('claims = ["A1", "A2"]', 'unchecked = "why"', "a correction needs the claims that show it"),
        ('says = "One."', "", "item 1: 'says' is missing"),
        ('says = "One."', 'say = "One."', "item 1: unknown key 'say'; expected place, says, claims"),
        ('claims = ["A1"]', 'claims = "A1"', "item 1: 'claims' is 'A1'; expected a list"),
        ('claims = ["A1"]', "claims = [1]", "item 1: 'claims' is [1]"),
        ('claims = ["A1"]', "claims = []", "item 1: 'claims' is []"),
        ("year = 2001", 'year = "2001"', "'year' is '2001'; expected a int"),
        ('title = "A paper"', "", "'title' is missing"),
        ("[[item]]", "[item]", "some.toml: "),
    ],
)
def test_a_file_of_another_form_is_refused(good: Path, old: str, new: str, message: str) -> None:
    good.write_text(GOOD.replace(old, new, 1 if old != "[[item]]" else -1))
    with pytest.raises(LedgerError) as refusal:
        read(good)
    assert message in str(refusal.value)
    assert "some.toml" in str(refusal.value)


def test_a_paper_is_named_by_key_or_by_words() -> None:
    assert [one.key for one in named("fixup")] == [one.key for one in named("FIXUP")] == ["fixup"]
    assert "fixup" in {one.key for one in named("Zhang Dauphin")}
    assert named("no such paper") == []
    assert named("") == []


def test_a_paper_bears_its_names_and_stands_in_lists_of_papers() -> None:
    ledger = Ledger("a", ("Abe 2001", "Abe 2001; Bea 2002 (both)"), "t", 2001, "r", ())
    assert all(ledger.bears(name) for name in ("Abe 2001", "Abe 2001; Cid 2003", "Abe 2001; Bea 2002 (both)"))
    assert not any(ledger.bears(name) for name in ("Abe", "Bea 2002 (both)", "Abe 2001 (again)"))
