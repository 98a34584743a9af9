"""The pages around the lessons: index, teacher's page, gallery; plain HTML that fetches nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from pathlib import Path

from claims.reports.style import sheet
from lessons.tools.language import ENGLISH, KEY, TAGS, query, switch
from lessons.tools.prose import Prose, common, translated

GALLERY = Path(__file__).parents[2] / "figures" / "README.md"
BLOCK = re.compile(r"(# |## |!\[|\*|)(.*?)(\]\(pictures/\S+\)|\.\* `.*`|)", re.DOTALL)
"""A block of the gallery: its mark, its sentences, and what comes after them."""
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
    "10_nets_in_time": "/figures/pictures/recurrent.svg",
    "11_attention": "/figures/pictures/attention.svg",
    "12_own_network": "/lessons/pictures/own_network.svg",
}
"""What the index shows of each lesson."""
STYLE = sheet("base") + Path(__file__).with_name("pages.css").read_text(encoding="utf-8")
LOOKS, ANSWERS, CLASSROOM, SAVE = (
    Path(__file__).with_name(name).read_text(encoding="utf-8")
    for name in ("lesson.css", "answers.js", "classroom.js", "save.js")
)
HEAD = f'<style title="marimo">\n{LOOKS}</style>' + "".join(
    f'<script type="module">\n{one}</script>' for one in (ANSWERS, CLASSROOM, SAVE)
)
"""What lessons have beside marimo's own sheets; by its title marimo hands it on to what it shows in shadow trees."""


def index(titles: Mapping[str, str], report: bool, language: str = ENGLISH, teach: bool = False) -> str:
    """Return the index, from the titles of the lessons by address, and whether there is a report to link.

    Its lessons are those for a class, if a teacher asks for it.
    """
    said = common(language)
    cards = "".join(
        _card(place, name, title, said, teach) for place, (name, title) in enumerate(titles.items(), start=1)
    )
    other = f'<p><a class="button" href="/{query(language, not teach)}">'
    other += f"{escape(said.label('student' if teach else 'teach'))}</a> "
    other += f"{escape(said.label('teaching' if teach else 'teach says'))}</p>"
    more = {"/teacher": "teacher link", "/gallery": "gallery link", "/report": "report link" if report else "no report"}
    links = [
        f'<li><a href="{address}?{KEY}={language}">{escape(said.label(label))}</a></li>'
        for address, label in more.items()
    ]
    return page(
        said.label("index"),
        f'{markdown(said.text("welcome"))}{other}<ol class="lessons">{cards}</ol>{markdown(said.text("further"))}'
        f"<ul>{''.join(links)}</ul>",
        language,
        teach=teach,
    )


def _card(place: int, name: str, title: str, said: Prose, teach: bool) -> str:
    """Return a lesson's entry in the index: its picture, its title, its one idea, and how long it takes."""
    minutes = Prose(name.partition("_")[2], language=said.language).label("minutes")
    return (
        f'<li value="{place}"><a href="/lesson/{name}/{query(said.language, teach)}">'
        f'<img src="{PICTURES[name]}" alt="" width="461" height="288">'
        f"<span><b>{escape(title)}</b></span></a><p>{escape(said.label(f'idea {place}'))}</p>"
        f'<p class="quiet">{minutes} {escape(said.label("minutes"))}</p></li>'
    )


def teacher(titles: Mapping[str, str], language: str = ENGLISH) -> str:
    """Return the teacher's page: what holds for all lessons, then the section `teacher` of each."""
    parts = [Prose("teacher", language=language).text("page")]
    for name, title in titles.items():
        parts.append(f"## {title}\n\n{Prose(name.partition('_')[2], language=language).text('teacher')}")
    return page(common(language).label("teacher link"), markdown("\n\n".join(parts)), language, back=True)


def gallery(language: str = ENGLISH) -> str:
    """Return the figures' gallery with its pictures, whose own words are in English."""
    parts = [f"{mark}{translated(words, 'gallery', language)}{after}" for mark, words, after in gallery_blocks()]
    text = re.sub(r"\]\(pictures/", "](/figures/pictures/", "\n\n".join(parts))
    return page(common(language).label("gallery link"), markdown(text), language, back=True)


def gallery_blocks() -> list[tuple[str, str, str]]:
    """Return the blocks of the gallery, each as its mark, its sentences, and what comes after them."""
    blocks = GALLERY.read_text(encoding="utf-8").strip().split("\n\n")
    return [(found[1], found[2], found[3]) for block in blocks if (found := BLOCK.fullmatch(block.strip()))]


def no_report(language: str = ENGLISH) -> str:
    """Return what is said if no report was written yet."""
    said = common(language)
    return page(said.label("no report"), markdown(said.text("no report")), language, back=True)


def report(page: str, language: str = ENGLISH) -> str:
    """Return the report with its headings, and the questions below them, in a language; its claims are in English."""
    there = {} if language == ENGLISH else Prose("report", language=language).sections
    said = {escape(one): escape(other) for one, other in there.items()}
    return re.sub(r">([^<>]+)<", lambda text: f">{said.get(text[1], text[1])}<", page)


def markdown(text: str) -> str:
    """Return Markdown as HTML."""
    from markdown import markdown as convert

    return str(convert(text, extensions=["tables", "sane_lists"]))


def page(title: str, body: str, language: str = ENGLISH, back: bool = False, teach: bool = False) -> str:
    """Return a whole page, with the way to its other language."""
    said = common(language)
    link = f'<p><a href="/?{KEY}={language}">{escape(said.label("back"))}</a></p>' if back else ""
    return (
        f'<!doctype html><html lang="{TAGS[language]}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<style>{STYLE}</style>"
        f'</head><body><a class="skip" href="#main">{escape(said.label("skip"))}</a>'
        f"{switch(language, said.label('language'), teach)}{link}"
        f'<main id="main">{body}</main></body></html>'
    )
