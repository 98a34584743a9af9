"""The twenty misstatements are taught in both languages: each under its number, with the claims that refute it."""

import re

import pytest

from claims.ledger import ledgers
from tests.docs.pages import PAGES

LANGUAGES = ["docs/misstatements.md", "docs/misstatements.zh.md"]


def taught(text: str) -> dict[str, list[str]]:
    """Return, for every numbered heading, the codes that a reader is told to run below it."""
    _, *pairs = re.split(r"^### (\d+)\. .*$", text, flags=re.M)
    below = (section.split("\n## ")[0] for section in pairs[1::2])
    commands = (re.findall(r'make checks ARGS="--only ([A-Z0-9 ]+)"', section) for section in below)
    return {f"statement {number}": " ".join(codes).split() for number, codes in zip(pairs[::2], commands, strict=True)}


@pytest.mark.parametrize("page", LANGUAGES)
def test_a_page_has_the_statements_of_the_ledger_with_their_claims(page: str) -> None:
    assert taught(PAGES[page]) == {item.place: list(item.claims) for item in ledgers()["misstatements"].items}


def test_both_pages_name_the_same_claims_in_the_same_order() -> None:
    one, other = (re.findall(r"\b[A-Z]\d+\b", PAGES[page]) for page in LANGUAGES)
    assert one == other


def test_a_heading_without_its_command_is_found() -> None:
    assert taught(
        '### 1. "A"\n\n`make checks ARGS="--only B4 B6"`\n\n### 2. "B"\n\n## C\n\n`make checks ARGS="--only X1"`'
    ) == {
        "statement 1": ["B4", "B6"],
        "statement 2": [],
    }
