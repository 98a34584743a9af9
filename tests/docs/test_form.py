"""README is a front door, lines are short, special words lead to the glossary, and versions agree."""

import re
import tomllib

import pytest

from claims.catalogue import REGISTRY
from docs.parts import PAGES as PARTS
from docs.parts import ROOT
from tests.docs.pages import FENCED, PAGES, prose

GLOSSARY = PAGES["docs/glossary.md"]
TERMS = {
    "twin": r"twins?",
    "engine": r"engines?",
    "undrawn": "undrawn",
    "radial": "radial",
    "cotangent": "cotangents?",
    "mutant": "mutants?",
    "vacuous": "vacuous",
    "rival": "rivals?",
    "effort": "efforts?",
}
"""Words that mean nothing else here, so that the first use on a page must be a link."""
WRITTEN = [page for page in PAGES if page not in ("docs/glossary.md", "docs/catalogue.md", "CHANGELOG.md")]


def written(page: str) -> str:
    """Return the prose of a page without generated parts, headings and code."""
    text = prose(page)
    for name in PARTS:
        text = re.sub(f"<!-- {name} -->.*?<!-- /{name} -->", "", text, flags=re.S)
    return re.sub(r"`[^`]*`|^#.*$", "", text, flags=re.M)


def test_readme_is_short() -> None:
    lines = PAGES["README.md"].splitlines()
    assert len(lines) <= 120
    assert max(len(line) for line in lines) <= 120


@pytest.mark.parametrize("page", WRITTEN)
def test_lines_of_prose_are_short(page: str) -> None:
    text = FENCED.sub("", PAGES[page])
    for name in PARTS:
        text = re.sub(f"<!-- {name} -->.*?<!-- /{name} -->", "", text, flags=re.S)
    assert [line for line in text.splitlines() if len(line) > 120 and not line.startswith("|")] == []


@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize("page", WRITTEN)
def test_a_special_word_is_linked_where_it_comes_first(page: str, term: str) -> None:
    text = written(page)
    used = re.search(
        rf"\b{TERMS[term]}\b", re.sub(r"\]\([^)]*\)", lambda link: "]" + " " * (len(link[0]) - 1), text), re.I
    )
    if used:
        before, after = text[: used.start()], text[used.end() :]
        linked = before.rfind("[") > before.rfind("]") and re.match(r"[^\[\]]*\]\(\S*(glossary|engines)\.md", after)
        assert linked, f"{page} uses {used[0]!r} first without a link to where it is explained"


def test_the_glossary_has_every_letter_and_no_other() -> None:
    listed = re.findall(r"^\| ([A-Z]) \|", GLOSSARY, re.M)
    assert listed == sorted({code[0] for claim in REGISTRY.values() for code in claim.codes})


def test_the_references_have_every_paper() -> None:
    references = [line for line in re.split(r"\n(?=- )", PAGES["docs/papers.md"]) if line.startswith("- ")]
    for paper in {claim.paper for claim in REGISTRY.values()} - {"Fathom's engines", "Conventions of frameworks"}:
        author = re.split(r",| &| et al| \d{4}", paper)[0].split(" ")[-1] if "Laarhoven" not in paper else "Laarhoven"
        year = re.search(r"\d{4}", paper)
        assert year
        found = [line for line in references if re.match(rf"- [^,]*{author}", line) or f" {author} et al" in line]
        assert any(year[0] in line for line in found), paper


def test_versions_agree() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert re.findall(r"^## ([\d.]+)", PAGES["CHANGELOG.md"], re.M)[0] == version
