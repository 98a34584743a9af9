"""In which language a page is: that of its address, else of the reader's last choice, the command, or the browser.

The server decides and writes the language into the address of each lesson, so that a lesson keeps its language when
another tab changes the choice. What runs in a lesson reads it from there (`spoken`); marimo has a thread, and in it the
address, for each browser. The address also says whether a lesson is shown to a class (`teaching`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from html import escape

LANGUAGES = {"en": "English", "zh": "中文"}
"""Each language by what addresses call it, in its own words."""
TAGS = {"en": "en", "zh": "zh-Hans"}
"""What HTML calls it."""
ENGLISH = "en"
KEY = "language"
"""The name of the address's parameter, and of the cookie that keeps the choice."""
TEACH = "teach"
"""The name of the parameter that is 1 for a teacher in front of a class."""

OUTSIDE: ContextVar[str] = ContextVar("language", default=ENGLISH)
"""The language outside lessons."""


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Let all that is said outside lessons be in a language."""
    before = OUTSIDE.set(language)
    try:
        yield
    finally:
        OUTSIDE.reset(before)


def spoken() -> str:
    """Return the language of the lesson that runs in this thread; outside lessons that of `speaking`, or English."""
    import marimo as mo  # here, since the pages of docs/ need prose and no notebooks

    if not mo.running_in_notebook():
        return OUTSIDE.get()
    wanted = mo.query_params().get(KEY)
    return wanted if isinstance(wanted, str) and wanted in LANGUAGES else ENGLISH


def teaching() -> bool:
    """Say whether the lesson that runs in this thread is shown by a teacher to a class."""
    import marimo as mo

    return mo.running_in_notebook() and mo.query_params().get(TEACH) == "1"


def of_request(
    query: Mapping[str, str], cookies: Mapping[str, str], headers: Mapping[str, str], default: str | None = None
) -> str:
    """Return the language in which a request is answered.

    `default` (that of the command) goes before the browser's, since every browser names one.
    """
    for one in (query.get(KEY), cookies.get(KEY), default):
        if one in LANGUAGES:
            return str(one)
    return accepted(headers.get("accept-language", "")) or ENGLISH


def accepted(header: str) -> str | None:
    """Return the language of ours that an Accept-Language header likes best, the first of equals; None if none."""
    liked: dict[str, float] = {}
    for part in header.split(","):
        tag, _, weight = part.partition(";")
        name = tag.strip().lower().partition("-")[0]
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        if name in LANGUAGES and quality > liked.get(name, 0.0):
            liked[name] = quality
    return max(liked, key=lambda name: liked[name], default=None)


def query(language: str, teach: bool = False) -> str:
    """Return the query of an address, in HTML."""
    return f"?{KEY}={language}" + (f"&amp;{TEACH}=1" if teach else "")


def switch(language: str, label: str, teach: bool = False) -> str:
    """Return links to this page in the other languages, in HTML; `label` is what screen readers call them."""
    links = " ".join(
        f'<a href="{query(one, teach)}" hreflang="{TAGS[one]}" lang="{TAGS[one]}">{name}</a>'
        for one, name in LANGUAGES.items()
        if one != language
    )
    return f'<nav class="language" aria-label="{escape(label, quote=True)}">{links}</nav>'
