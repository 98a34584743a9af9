"""The page holds every claim, derivation step and mutant, asks for nothing from elsewhere, and stays small."""

from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
import sympy as sp

from claims import links
from claims.catalogue import REGISTRY
from claims.examine import Result
from claims.ledger import ledgers
from claims.reports import page
from claims.reports.formula import formula
from claims.reports.words import spaced
from simulations import digits
from tests.claims.reports.made_up import finding, made_up

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
ELEMENTS_WITHOUT_END = {"meta", "link", "input"}
"""And the elements of SVG that are closed where they open, which the parser tells apart by itself."""


class Page(HTMLParser):
    """Count elements, collect ids, links and texts, and check that elements nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.labels: list[str] = []
        self.fetched: list[str] = []
        self.headings: list[int] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] += 1
        found = dict(attrs)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.links += [found["href"] or ""] if tag == "a" else []
        self.labels += [found["aria-label"] or ""] if found.get("class") == "claim" else []
        self.fetched += [name for name in ("src", "srcset", "data", "action") if name in found]
        self.fetched += [tag] if tag in {"img", "iframe", "object"} else []
        self.fetched += [found["href"] or ""] if tag == "link" and found["href"] != "data:," else []
        self.headings += [int(tag[1])] if tag in {"h1", "h2", "h3", "h4"} else []
        if tag not in ELEMENTS_WITHOUT_END:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] += 1

    def handle_data(self, data: str) -> None:
        self.text += "" if self.open[-1:] in (["style"], ["script"]) else data


@pytest.fixture(scope="module")
def made() -> tuple[str, Page]:
    """A page of all claims, with made-up findings of every shape of evidence."""
    text = page.render(made_up(), digits(), 0, "quick", 1.0)
    return text, Page(text)


def test_every_claim_step_and_mutant_is_there(made: tuple[str, Page]) -> None:
    text, parsed = made
    assert parsed.open == []
    assert set(REGISTRY) <= set(parsed.ids)
    assert len(parsed.ids) == len(set(parsed.ids))
    assert parsed.counts["article"] == parsed.counts["figure"] == len(REGISTRY)
    mutants = sum(len(claim.mutants) for claim in REGISTRY.values())
    assert text.count('<li class="mutant"') == text.count('<a class="mutant"') == mutants
    steps = [step for claim in REGISTRY.values() for derivation in claim.derivations for step in derivation().steps]
    shown = [claim.states for claim in REGISTRY.values()] + [sp.latex(step.statement) for step in steps]
    assert parsed.counts["math"] == sum(formula(latex).count("<math") for latex in shown)
    assert all(step.says in parsed.text for step in steps)
    assert all(claim.words in parsed.text for claim in REGISTRY.values())
    assert all(m.why in parsed.text and m.name in parsed.text for claim in REGISTRY.values() for m in claim.mutants)


def test_every_item_of_every_paper_is_there_and_leads_to_its_cards(made: tuple[str, Page]) -> None:
    text, parsed = made
    for ledger in ledgers().values():
        assert f"paper-{ledger.key}" in parsed.ids
        assert all(item.says in parsed.text or spaced(item.says) in parsed.text for item in ledger.items)
        assert all(spaced(item.correction) in parsed.text for item in ledger.items)
    theorem = text[text.index('id="fixup-theorem-1"') : text.index('id="fixup-equation-2"')]
    assert 'href="#homogeneity.theorem_1"' in theorem
    assert 'class="badge held"' in theorem


def test_no_formula_is_left_as_latex(made: tuple[str, Page]) -> None:
    assert "\\" not in made[1].text


def test_the_page_stands_alone_and_is_small(made: tuple[str, Page]) -> None:
    text, parsed = made
    assert parsed.fetched == []
    assert "url(" not in text
    assert "@import" not in text
    assert len(text.encode()) < 25_000 * len(REGISTRY)


def test_every_link_leads_somewhere(made: tuple[str, Page]) -> None:
    inside = {link[1:] for link in made[1].links if link.startswith("#")}
    outside = {link for link in made[1].links if not link.startswith("#")}
    assert inside <= set(made[1].ids)
    assert outside == {*map(links.picture, links.FIGURES), *map(links.notebook, links.LESSONS)}
    assert all((ROOT / link).is_file() for link in outside)


def test_headings_come_in_order(made: tuple[str, Page]) -> None:
    headings = made[1].headings
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(headings))


def test_the_totals_stand_once(made: tuple[str, Page]) -> None:
    assert made[1].text.count(f"of {len(REGISTRY)} claims held") == 2, "in the title and in the page"


def test_what_went_wrong_stands_above_all(made: tuple[str, Page]) -> None:
    assert "What went wrong" not in made[0]
    name = "residual.residual_stream_doubles"
    fallen, alive = finding("mean", "refuted", 0.02, 0.5), finding("mean", "held", 0.02, 0.0)
    wrong = tuple((m.name, alive if i == 0 else fallen) for i, m in enumerate(REGISTRY[name].mutants))
    text = page.render([Result(name, fallen, wrong, 0.1)], digits(), 0, "quick", 1.0)
    troubles = text[text.index("<h2>What went wrong") : text.index("<h2>At a glance")]
    assert "is refuted: expected 1, measured &lt;measured&gt;" in troubles
    assert f"“{REGISTRY[name].mutants[0].name}” that is not refuted but held" in troubles
    assert 'class="cell refuted"' in text


def test_pictures_say_their_numbers_and_texts_are_escaped(made: tuple[str, Page]) -> None:
    text, parsed = made
    assert all(label.startswith("the claim: ") for label in parsed.labels)
    assert "<measured>" not in text
    assert "<measured>" in parsed.text


def test_a_derivation_that_fails_is_told_and_the_page_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    claim = REGISTRY["residual.residual_stream_doubles"]
    broken = replace(claim, derivations=(lambda: claim.derivations[0]().then("Two is three.", sp.Integer(3)),))
    monkeypatch.setitem(REGISTRY, claim.id, broken)
    (result,) = [one for one in made_up() if one.claim_id == claim.id]
    text = page.render([result], digits(), 0, "quick", 1.0)
    assert "This derivation fails" in text
    assert "Two is three" in text
