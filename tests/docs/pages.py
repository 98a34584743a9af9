"""What the tests of the pages share: their text, and the code, commands, links and headings in it."""

import re
from collections.abc import Iterator

from docs.parts import ROOT

PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(ROOT.glob("docs/*.md")))
}
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.S | re.M)


def python(page: str) -> list[str]:
    """Return the blocks of Python on a page."""
    return [code for language, code in FENCED.findall(PAGES[page]) if language == "python"]


def prose(page: str) -> str:
    """Return a page without its blocks of code."""
    return FENCED.sub("", PAGES[page])


def spans(page: str) -> Iterator[str]:
    """Yield what stands between backticks in the prose, on one line."""
    for span in re.findall(r"`([^`]+)`", prose(page)):
        yield " ".join(span.split())


def commands(page: str) -> Iterator[str]:
    """Yield everything on a page that a reader may type into a shell, in blocks without a language and in the prose."""
    lines = [line for language, code in FENCED.findall(PAGES[page]) if not language for line in code.splitlines()]
    typed = re.compile(r"(make|fathom|python3?|\.venv/bin/\w+) [-\w./]")
    for text in (*lines, *spans(page)):
        if typed.match(text):
            yield re.sub(r"\s+# .*", "", text).strip()


def links(page: str) -> list[str]:
    """Return the addresses of a page's links and pictures."""
    return re.findall(r"\]\(([^)\s]+)\)", prose(page))


def anchors(text: str) -> set[str]:
    """Return the anchors of a page as GitHub makes them from its headings, and those that it sets itself."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", text), re.M)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'<a id="([\w-]+)">', text))
