"""A paper's table of contents: every item with its verdict, which is the worst of its claims."""

from dataclasses import replace

import pytest

from claims.catalogue import REGISTRY
from claims.examine import Result
from claims.ledger import Item, Ledger, ledgers
from claims.reports import contents, page, paper
from simulations import digits
from tests.claims.reports.made_up import finding, made_up

RESULTS = {result.claim_id: result for result in made_up()}
LEDGER = Ledger(
    "some",
    ("Somebody 2001",),
    "A paper",
    2001,
    "whole",
    (
        Item("theorem 1", "One & two.", ("P5", "P6")),
        Item("theorem 2", "Three.", ("R2",), "Four."),
        Item("a place with a name that is longer than its column", "A picture.", unchecked="needs ImageNet"),
    ),
)


def of(*codes: str) -> list[Result]:
    return [result for name, result in RESULTS.items() if set(REGISTRY[name].codes) & set(codes)]


def with_verdict(code: str, verdict: str) -> list[Result]:
    return [
        replace(one, finding=finding("mean", verdict, 0.02, 0.0)) if one in of(code) else one
        for one in RESULTS.values()
    ]


def test_an_item_is_as_good_as_the_worst_of_its_claims() -> None:
    item = LEDGER.items[0]
    assert contents.outcome(item, list(RESULTS.values())) == "held"
    for verdict in ("refuted", "inconclusive"):
        assert contents.outcome(item, with_verdict("P6", verdict)) == verdict
    (mutant, *others) = of("P5")[0].mutants
    alive = replace(of("P5")[0], mutants=((mutant[0], finding("mean", "held", 0.02, 0.0)), *others))
    assert contents.outcome(item, [alive, *of("P6")]) == "survived"
    assert contents.outcome(item, of("P5")) == "", "P6 was not run"
    assert contents.outcome(LEDGER.items[2], list(RESULTS.values())) == ""


def test_contents_have_place_statement_verdict_correction_reason_and_links() -> None:
    text = "\n".join(contents.lines(LEDGER, with_verdict("R2", "refuted")))
    assert text.splitlines()[:2] == ["Somebody 2001: A paper", "Read: whole."]
    assert "theorem 1             One & two. [✓ held, checked]" in text
    assert "claims P5, P6; figure bounds; lesson 7" in text
    assert "theorem 2             Three. [✗ refuted, corrected]" in text
    assert "Corrected: Four." in text
    assert "longer than its column\n                      A picture. [not checked]" in text
    assert "Not checked: needs ImageNet." in text
    assert text.endswith("3 items: 1 checked, 1 corrected, 1 not checked")
    unrun = "\n".join(contents.lines(LEDGER))
    assert "One & two. [checked]" in unrun
    assert "held" not in unrun


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("key", ledgers())
def test_lines_fit(key: str, width: int) -> None:
    lines = list(contents.lines(ledgers()[key], list(RESULTS.values()), width))
    assert max(map(len, lines)) <= width
    assert all(any(line.startswith(item.place[:20]) for line in lines) for item in ledgers()[key].items)


def test_papers_are_listed_by_key() -> None:
    listed = list(contents.papers())[1:]
    assert [line.split()[0] for line in listed] == list(ledgers())


def test_the_page_has_the_papers_whose_claims_were_all_run() -> None:
    assert list(paper.papers(of("R2"))) == []
    assert 'href="#papers"' not in page.render(of("R2"), digits(), 0, "quick", 1.0)
    own = "\n".join(paper.papers(of("U1", "U2", "U4")))
    assert own.count("<details>") == 1
    assert 'id="paper-own"' in own
    every = "\n".join(paper.papers(list(RESULTS.values())))
    assert every.count("<details>") == len(ledgers())
    assert every.count("<li ") == sum(len(one.items) for one in ledgers().values())
