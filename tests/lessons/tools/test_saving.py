"""Figures that are saved: the picture, its caption and where it comes from, in one SVG."""

from __future__ import annotations

import re
from html import unescape
from xml.etree import ElementTree

import pytest

from lessons.tools import saving
from lessons.tools.language import LANGUAGES
from lessons.tools.prose import Prose
from lessons.tools.server import notebooks

DRAWN = b'<?xml version="1.0"?>\n<svg width="518.4pt" height="280.8pt" viewBox="0 0 518.4 280.8"\n xmlns="x">\n</svg>\n'
SVG = "{http://www.w3.org/2000/svg}"


def _whole(caption: str, alt: str, prose: Prose) -> ElementTree.Element:
    before, after = saving.frame(DRAWN, caption, alt, prose)
    return ElementTree.fromstring(before + DRAWN.decode().partition("\n")[2] + after)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", notebooks())
def test_a_saved_figure_has_its_caption_its_alternative_and_its_sources(name: str, language: str) -> None:
    prose = Prose(name.partition("_")[2], language=language)
    whole = _whole("At **gain 1** it is <2 & [[x]].", 'A "line".', prose)
    lines = [one.text or "" for one in whole.iter(f"{SVG}text")]
    assert lines[0] == "At gain 1 it is <2 & [[x]]."
    assert (whole.findtext(f"{SVG}desc") or "") == 'A "line".'
    assert f"Fathom, {prose.label('title')}" in lines
    said = re.sub(r"\s", "", "".join(lines))
    for source in saving.plain(prose.text("sources")).splitlines():
        assert re.sub(r"\s", "", source) in said
    heights = [float(one.get("y", "")) for one in whole.iter(f"{SVG}text")]
    assert heights == sorted(heights)
    assert heights[0] > 280.8 * 4 / 3
    assert heights[-1] < float(whole.get("height", ""))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", notebooks())
def test_no_caption_keeps_signs_of_markdown_or_tex(name: str, language: str) -> None:
    prose = Prose(name.partition("_")[2], language=language)
    captions = [section for section in prose.sections if f"{section} alt" in prose.sections]
    assert captions
    for section in [*captions, "sources"]:
        text = re.sub(r"\[\[\w+\]\]", "1", prose.sections[section])
        said = saving.plain(text).replace("'Q*' 'V*'", "").replace("'N*'", "")
        assert not re.search(r"[$\\`{}*]", said), (section, said)


def test_lines_end_where_a_reader_ends_them() -> None:
    assert saving.wrapped("one two three", 100) == ["one two three"]
    assert saving.wrapped("one two three", 5) == ["one two", "three"]
    assert saving.wrapped("每一层把均方值，乘以二。", 7) == ["每一层把均方", "值，乘以二。"]
    assert saving.wrapped("unbreakable", 1) == ["unbreakable"]
    assert all(saving.long(line) <= 40 for line in saving.wrapped("a bc def " * 50 + "方差不变。" * 50, 40))


def test_a_picture_without_a_size_is_refused() -> None:
    with pytest.raises(ValueError, match="points"):
        saving.frame(b"<svg></svg>", "", "", Prose("he", language="en"))


def test_the_button_has_what_stands_before_and_behind_the_picture() -> None:
    prose = Prose("one_layer", language="en")
    button = saving.button(DRAWN, "It is.", "A line.", prose, "sum of two")
    assert 'data-save="one_layer_sum_of_two.svg"' in button
    for name, part in zip(("before", "after"), saving.frame(DRAWN, "It is.", "A line.", prose), strict=True):
        found = re.search(rf'data-{name}="(.*?)"', button)
        assert found
        assert unescape(found[1]) == part
