"""The pages around the lessons: index, teacher's page, gallery; plain HTML that fetches nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from pathlib import Path

from lessons.tools.prose import COMMON, Prose

GALLERY = Path(__file__).parents[2] / "figures" / "README.md"
STYLE = """
:root { color-scheme: light; }
body { font: 20px/1.5 Georgia, "DejaVu Serif", serif; color: #111; background: #fff; }
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
h1 { line-height: 1.15; } a { color: #0058a0; } a:focus-visible { outline: 3px solid #d55e00; outline-offset: 3px; }
img { max-width: 100%; height: auto; } table { border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #bbb; }
code { font-size: .9em; } .skip { position: absolute; top: -9rem; } .skip:focus { position: static; }
"""
HEAD = """<style>
html { font-size: 112.5%; }
figure table, details table { font-size: .8rem; border-collapse: collapse; }
details th, details td { text-align: right; padding: .1rem .6rem; border-bottom: 1px solid #bbb; }
summary { cursor: pointer; padding: .3rem 0; }
:focus-visible { outline: 3px solid #d55e00 !important; outline-offset: 2px; }
</style>"""


def index(titles: Mapping[str, str], report: bool) -> str:
    """Return the index, from the titles of the lessons by address, and whether there is a report to link."""
    lines = [
        f'<li value="{place}"><a href="/lesson/{name}/">{escape(title.partition(" ")[2])}</a>. '
        f"{escape(COMMON.label(f'idea {place}'))}</li>"
        for place, (name, title) in enumerate(titles.items(), start=1)
    ]
    more = {"/teacher": "teacher link", "/gallery": "gallery link", "/report": "report link" if report else "no report"}
    links = [f'<li><a href="{address}">{escape(COMMON.label(label))}</a></li>' for address, label in more.items()]
    return page(
        COMMON.label("index"),
        f"{markdown(COMMON.text('welcome'))}<ol>{''.join(lines)}</ol>{markdown(COMMON.text('further'))}"
        f"<ul>{''.join(links)}</ul>",
    )


def teacher(titles: Mapping[str, str]) -> str:
    """Return the teacher's page: what holds for all lessons, then the section `teacher` of each."""
    parts = [Prose("teacher").text("page")]
    parts += [f"## {title}\n\n{Prose(name.partition('_')[2]).text('teacher')}" for name, title in titles.items()]
    return page(COMMON.label("teacher link"), markdown("\n\n".join(parts)), back=True)


def gallery() -> str:
    """Return the figures' gallery with its pictures."""
    text = re.sub(r"\]\(pictures/", "](/pictures/", GALLERY.read_text(encoding="utf-8"))
    return page(COMMON.label("gallery link"), markdown(text), back=True)


def no_report() -> str:
    """Return what is said if no report was written yet."""
    return page(COMMON.label("no report"), markdown(COMMON.text("no report")), back=True)


def markdown(text: str) -> str:
    """Return Markdown as HTML."""
    from markdown import markdown as convert

    return str(convert(text, extensions=["tables", "sane_lists"]))


def page(title: str, body: str, back: bool = False) -> str:
    """Return a whole page."""
    link = f'<p><a href="/">{escape(COMMON.label("back"))}</a></p>' if back else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><style>{STYLE}</style>'
        f'</head><body><a class="skip" href="#main">{escape(COMMON.label("skip"))}</a>{link}'
        f'<main id="main">{body}</main></body></html>'
    )
