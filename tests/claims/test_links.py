"""Links between claims, figures and lessons: every name exists, and none is left out."""

import re
from pathlib import Path

import pytest

from claims import links
from claims.catalogue import REGISTRY
from figures.tools.figure import names
from lessons.tools.prose import Prose
from lessons.tools.server import notebooks

ROOT = Path(__file__).parents[2]
CODES = {code for claim in REGISTRY.values() for code in claim.codes}


def spelt_out(sentence: str) -> set[str]:
    """Return the codes of a sentence, "F1, F3 to F5" being four."""
    codes = set(re.findall(r"[A-Z]\d+", sentence))
    for letter, first, last in re.findall(r"([A-Z])(\d+) to [A-Z](\d+)", sentence):
        codes |= {f"{letter}{number}" for number in range(int(first), int(last) + 1)}
    return codes


def test_every_figure_and_every_lesson_is_linked() -> None:
    assert list(links.FIGURES) == names()
    assert list(links.LESSONS) == list(notebooks())
    assert all(links.FIGURES.values())
    assert all(links.LESSONS.values())


@pytest.mark.parametrize("known", [links.FIGURES, links.LESSONS])
def test_every_code_is_a_claim_s(known: dict[str, tuple[str, ...]]) -> None:
    assert {code for codes in known.values() for code in codes} <= CODES
    assert all(len(set(codes)) == len(codes) for codes in known.values())


def test_every_address_is_a_file() -> None:
    for address in (*map(links.picture, links.FIGURES), *map(links.notebook, links.LESSONS)):
        assert (ROOT / address).is_file(), address


@pytest.mark.parametrize("lesson", links.LESSONS)
def test_a_lesson_is_linked_to_the_claims_that_its_sources_name(lesson: str) -> None:
    sources = Prose(lesson.partition("_")[2]).text("sources")
    named = re.search(r"In Fathom: claims (.*?)\.(?:\s|$)", sources)
    assert named
    assert set(links.LESSONS[lesson]) == spelt_out(named[1])


@pytest.mark.parametrize("lesson", links.LESSONS)
def test_a_lesson_is_linked_to_the_claims_that_it_puts_to_the_test(lesson: str) -> None:
    files = [ROOT / links.notebook(lesson), ROOT / f"lessons/experiments/{lesson.partition('_')[2]}.py"]
    quoted = {word for file in files for word in re.findall(r'"([a-z_]+\.\w+)"', file.read_text())}
    tested = [REGISTRY[word] for word in quoted if word in REGISTRY]
    assert tested
    assert all(set(claim.codes) & set(links.LESSONS[lesson]) for claim in tested)


def test_names_are_read_as_words() -> None:
    assert links.spoken("6_residual_streams") == "6, residual streams"
    assert links.spoken("blow_up") == "blow up"
    assert links.linked(links.FIGURES, ("R2", "A1")) == ["blow_up", "signal_propagation"]
