"""A lesson as one page, opened from a file with the network off."""

from __future__ import annotations

import math
from itertools import cycle
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser, expect

from lessons.tools import paper, static
from lessons.tools.language import LANGUAGES
from lessons.tools.prose import common, typeset
from lessons.tools.server import notebooks
from tests.browser.conftest import SCREENSHOTS
from tests.browser.layout import sideways
from tests.browser.walk import english


def _walked(browser: Browser, path: Path, language: str) -> list[str]:
    """Do with a page what a reader can do, on a phone without a network, and return the captions of its figures."""
    with browser.new_context(offline=True, viewport={"width": 390, "height": 900}) as context:
        page, troubles = context.new_page(), list[str]()
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        own = ("data:", "blob:", path.as_uri())
        page.on("request", lambda one: None if one.url.startswith(own) else troubles.append(one.url))
        page.goto(path.as_uri())
        assert sideways(page) <= 0
        for slider in page.get_by_role("slider").all():
            figure = slider.locator("xpath=following::figure[1]")
            before = figure.inner_html()
            slider.press("Home" if slider.get_attribute("max") == slider.input_value() else "End")
            expect(figure).not_to_have_js_property("innerHTML", before)
            assert slider.locator("xpath=following::output[1]").inner_text() == slider.get_attribute("aria-valuetext")
        captions: list[str] = page.locator("figcaption").all_inner_texts()
        for choice in page.locator("fieldset").all():
            figure = choice.locator("xpath=following::figure[1]")
            before = figure.inner_html()
            choice.locator("input:not(:checked)").first.check()
            expect(figure).not_to_have_js_property("innerHTML", before)
        for picture in page.locator("figure img").all():
            assert picture.evaluate("image => image.naturalWidth") > 100
        with page.expect_download() as download:
            page.get_by_role("button", name=common(language).label("save")).last.click()
        saved = path.with_name(download.value.suggested_filename)
        assert saved.suffix == ".svg"
        download.value.save_as(saved)
        drawn = ElementTree.parse(saved).getroot()
        assert len(list(drawn.iter("{http://www.w3.org/2000/svg}path"))) > 20
        answers = page.locator("details.answer").all()
        assert len(answers) >= 5
        for answer in answers:
            shown = answer.locator("p").first
            assert not shown.is_visible()
            answer.get_by_text(common(language).label("show me")).click()
            assert shown.is_visible()
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        assert sideways(page) <= 0
        assert language == "en" or english(page) == []
        page.pdf(path=path.with_suffix(".pdf"))
        assert path.with_suffix(".pdf").stat().st_size > 50_000
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"static_{path.stem}.png", full_page=True)
        assert not troubles
        return captions


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lesson_works_from_a_file_with_the_network_off(browser: Browser, tmp_path: Path, language: str) -> None:
    captions = _walked(browser, static.export(notebooks()["2_one_layer"], tmp_path, language), language)
    assert typeset(2 * math.sqrt(1000)) in captions[0]  # s = 2, n = 1,000


@pytest.mark.parametrize(("name", "language"), list(zip(notebooks(), cycle(reversed(LANGUAGES)), strict=False)))
def test_every_lesson_opens_from_a_file(browser: Browser, tmp_path: Path, name: str, language: str) -> None:
    """With two states of a figure, as all take long; `tests/lessons/tools/test_static.py` has the other languages."""
    before = paper.MOST.set(2)
    path = static.export(notebooks()[name], tmp_path, language)
    paper.MOST.reset(before)
    assert len(_walked(browser, path, language)) >= 2
