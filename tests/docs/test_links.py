"""Every link of the pages leads somewhere, README links every page, and every path that is named exists."""

import re

import pytest

from docs.parts import ROOT
from tests.docs.pages import PAGES, anchors, links, spans

LINKS = [(page, link) for page in PAGES for link in links(page) if not link.startswith("http")]
CHOSEN = {
    "claims/SUBJECT/",
    "theory/SUBJECT/",
    "lessons/lesson_N_name.py",
    "lessons/experiments/name.py",
    "lessons/prose/en/name.md",
}
"""Paths of files that a reader is told to write."""
SOLUTIONS = {"docs/course-solutions.md", "docs/course-solutions.zh.md"}
"""Pages that students do not open by accident."""


def target(page: str, link: str) -> tuple[str, str]:
    """Return the path of a link from the root, and its anchor."""
    path, _, anchor = link.partition("#")
    return ((ROOT / page).parent / path).resolve().relative_to(ROOT).as_posix() if path else page, anchor


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_a_link_leads_somewhere(page: str, link: str) -> None:
    path, anchor = target(page, link)
    assert (ROOT / path).exists()
    if anchor:
        assert anchor in anchors((ROOT / path).read_text())


def test_anchors_are_those_of_github() -> None:
    text = '# What is exact, what is asymptotic\n\n## `a_b` & c-d\n\n```\n# no heading\n```\n| <a id="twin"></a>twin |'
    assert anchors(text) == {"what-is-exact-what-is-asymptotic", "a_b--c-d", "twin"}


def test_readme_links_every_page() -> None:
    assert {target("README.md", link)[0] for link in links("README.md")} >= set(PAGES) - {"README.md"} - SOLUTIONS


def test_solutions_are_linked_for_teachers_alone() -> None:
    linking = {page for page, link in LINKS if target(page, link)[0] in SOLUTIONS}
    assert linking - SOLUTIONS == {"docs/teaching.md"}


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_is_named_exists(page: str) -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()}
    for span in spans(page):
        if re.fullmatch(r"[\w.]+/[\w./-]*", span) and span.split("/")[0] in folders and span not in CHOSEN:
            assert (ROOT / span).exists(), span
