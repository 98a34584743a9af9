"""The page holds every claim, derivation step and mutant, asks for nothing from elsewhere, and stays small."""

from collections import Counter
from html.parser import HTMLParser

import pytest

from claims.catalogue import REGISTRY
from claims.examine import Result
from claims.reports import page
from evidence.finding import Finding
from simulations import digits

pytestmark = pytest.mark.slow

ELEMENTS_WITHOUT_END = {"meta"}


class Page(HTMLParser):
    """Count elements, collect ids, links and texts, and check that elements nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.labels: list[str] = []
        self.fetched: list[str] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] += 1
        found = dict(attrs)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.links += [found["href"] or ""] if tag == "a" else []
        self.labels += [found["aria-label"] or ""] if tag == "svg" else []
        self.fetched += [name for name in ("src", "data", "action") if name in found]
        self.fetched += [tag] if tag in {"link", "script", "img", "iframe"} else []
        if tag not in ELEMENTS_WITHOUT_END:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] += 1

    def handle_data(self, data: str) -> None:
        self.text += data


def finding(kind: str, verdict: str, detectable: float | str, effect: float) -> Finding:
    return Finding(
        kind=kind,
        verdict=verdict,  # type: ignore[arg-type]
        p_value=0.5,
        expected=1.0,
        measured="<measured>",
        detectable=detectable,
        effect=effect,
        miss=1e-11,
    )


@pytest.fixture(scope="module")
def made() -> tuple[str, Page]:
    """A page of all claims, with made-up findings of every shape of evidence."""
    shapes: list[tuple[str, float | str]] = [
        ("mean", 0.02),
        ("law + mean", "2.0% to 9.9%"),
        ("rate", "2e-14 (slope)"),
        ("identity", 0.0),
        ("inequality", 1e-9),
    ]
    results = []
    for i, claim in enumerate(REGISTRY.values()):
        kind, size = shapes[i % len(shapes)]
        wrong = tuple((m.name, finding(kind, "refuted", size, 0.5)) for m in claim.mutants)
        results.append(Result(claim.id, finding(kind, "held", size, 0.0), wrong, 0.1))
    text = page.render(results, digits(), 0, "quick", 1.0)
    return text, Page(text)


def test_every_claim_step_and_mutant_is_there(made: tuple[str, Page]) -> None:
    text, parsed = made
    assert parsed.open == []
    assert set(REGISTRY) <= set(parsed.ids)
    assert len(parsed.ids) == len(set(parsed.ids))
    assert parsed.counts["article"] == parsed.counts["svg"] == len(REGISTRY)
    assert text.count('class="mutant"') == sum(len(claim.mutants) for claim in REGISTRY.values())
    steps = [step for claim in REGISTRY.values() for derivation in claim.derivations for step in derivation().steps]
    assert parsed.counts["math"] == len(REGISTRY) + len(steps)
    assert all(step.says in parsed.text for step in steps)
    assert all(claim.words in parsed.text for claim in REGISTRY.values())
    assert all(m.why in parsed.text and m.name in parsed.text for claim in REGISTRY.values() for m in claim.mutants)


def test_no_formula_is_left_as_latex(made: tuple[str, Page]) -> None:
    assert "\\" not in made[1].text


def test_the_page_stands_alone_and_is_small(made: tuple[str, Page]) -> None:
    text, parsed = made
    assert parsed.fetched == []
    assert all(link.startswith("#") and link[1:] in parsed.ids for link in parsed.links)
    assert "url(" not in text
    assert len(text.encode()) < 5e6


def test_pictures_say_their_numbers_and_texts_are_escaped(made: tuple[str, Page]) -> None:
    text, parsed = made
    assert all(label.startswith("the claim: ") for label in parsed.labels)
    assert "<measured>" not in text
    assert "<measured>" in parsed.text
