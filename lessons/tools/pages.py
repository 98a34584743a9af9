"""The pages around the lessons: index, teacher's page, gallery; plain HTML that fetches nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from pathlib import Path

from claims.reports.style import sheet
from lessons.tools.prose import COMMON, Prose

GALLERY = Path(__file__).parents[2] / "figures" / "README.md"
PICTURES = {
    "1_starting_point": "/figures/pictures/matrix_products.svg",
    "2_one_layer": "/lessons/pictures/one_layer.svg",
    "3_glorot": "/figures/pictures/compromise.svg",
    "4_he": "/figures/pictures/activations.svg",
    "5_finite_width": "/figures/pictures/log_normality.svg",
    "6_residual_streams": "/figures/pictures/blow_up.svg",
    "7_homogeneity": "/figures/pictures/bounds.svg",
    "8_fixup": "/figures/pictures/scalar_branch.svg",
    "9_undrawn": "/figures/pictures/speed.svg",
}
"""What the index shows of each lesson."""
STYLE = sheet("base") + Path(__file__).with_name("pages.css").read_text(encoding="utf-8")
HEAD = """<style>
html { font-size: 112.5%; }
figure table, details table { font-size: .8rem; border-collapse: collapse; }
details th, details td { text-align: right; padding: .1rem .6rem; border-bottom: 1px solid #bbb; }
summary { cursor: pointer; padding: .3rem 0; }
:focus-visible { outline: 3px solid #d55e00 !important; outline-offset: 2px; }
</style>"""


def index(titles: Mapping[str, str], report: bool) -> str:
    """Return the index, from the titles of the lessons by address, and whether there is a report to link."""
    cards = "".join(_card(place, name, title) for place, (name, title) in enumerate(titles.items(), start=1))
    more = {"/teacher": "teacher link", "/gallery": "gallery link", "/report": "report link" if report else "no report"}
    links = [f'<li><a href="{address}">{escape(COMMON.label(label))}</a></li>' for address, label in more.items()]
    return page(
        COMMON.label("index"),
        f'{markdown(COMMON.text("welcome"))}<ol class="lessons">{cards}</ol>{markdown(COMMON.text("further"))}'
        f"<ul>{''.join(links)}</ul>",
    )


def _card(place: int, name: str, title: str) -> str:
    """Return a lesson's entry in the index: its picture, its title, its one idea, and how long it takes."""
    minutes = Prose(name.partition("_")[2]).label("minutes")
    return (
        f'<li value="{place}"><a href="/lesson/{name}/"><img src="{PICTURES[name]}" alt="" width="461" height="288">'
        f"<span><b>{escape(title)}</b></span></a><p>{escape(COMMON.label(f'idea {place}'))}</p>"
        f'<p class="quiet">{minutes} {escape(COMMON.label("minutes"))}</p></li>'
    )


def teacher(titles: Mapping[str, str]) -> str:
    """Return the teacher's page: what holds for all lessons, then the section `teacher` of each."""
    parts = [Prose("teacher").text("page")]
    parts += [f"## {title}\n\n{Prose(name.partition('_')[2]).text('teacher')}" for name, title in titles.items()]
    return page(COMMON.label("teacher link"), markdown("\n\n".join(parts)), back=True)


def gallery() -> str:
    """Return the figures' gallery with its pictures."""
    text = re.sub(r"\]\(pictures/", "](/figures/pictures/", GALLERY.read_text(encoding="utf-8"))
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
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<style>{STYLE}</style>"
        f'</head><body><a class="skip" href="#main">{escape(COMMON.label("skip"))}</a>{link}'
        f'<main id="main">{body}</main></body></html>'
    )
