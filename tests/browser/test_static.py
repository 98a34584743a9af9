"""A lesson as one page, opened from a file with the network off."""

from __future__ import annotations

import math
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser, expect

from lessons.tools import static
from lessons.tools.language import LANGUAGES
from lessons.tools.prose import common, typeset
from lessons.tools.server import notebooks
from tests.browser.conftest import SCREENSHOTS
from tests.browser.layout import sideways


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lesson_works_from_a_file_with_the_network_off(browser: Browser, tmp_path: Path, language: str) -> None:
    path = static.export(notebooks()["2_one_layer"], tmp_path, language)
    with browser.new_context(offline=True, viewport={"width": 390, "height": 900}) as context:
        page, troubles = context.new_page(), list[str]()
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "request",
            lambda one: None if one.url.startswith(("data:", "blob:", path.as_uri())) else troubles.append(one.url),
        )
        page.goto(path.as_uri())
        assert sideways(page) <= 0
        for slider in page.get_by_role("slider").all():
            figure = slider.locator("xpath=following::figure[1]")
            before = figure.inner_html()
            slider.press("End")
            expect(figure).not_to_have_js_property("innerHTML", before)
            assert slider.locator("xpath=following::output[1]").inner_text() == slider.get_attribute("aria-valuetext")
        expect(page.locator("figcaption").first).to_contain_text(typeset(2 * math.sqrt(1000)))  # s = 2, n = 1,000
        for choice in page.locator("fieldset").all():
            figure = choice.locator("xpath=following::figure[1]")
            before = figure.inner_html()
            choice.locator("input:not(:checked)").first.check()
            expect(figure).not_to_have_js_property("innerHTML", before)
        for picture in page.locator("figure img").all():
            assert picture.evaluate("image => image.naturalWidth") > 100
        with page.expect_download() as download:
            page.get_by_role("button", name=common(language).label("save")).last.click()
        assert download.value.suggested_filename == "one_layer_law.svg"
        download.value.save_as(tmp_path / "law.svg")
        saved = ElementTree.parse(tmp_path / "law.svg").getroot()
        assert len(list(saved.iter("{http://www.w3.org/2000/svg}path"))) > 20
        for answer in page.locator("details.answer").all():
            shown = answer.locator("p").first
            assert not shown.is_visible()
            answer.get_by_text(common(language).label("show me")).click()
            assert shown.is_visible()
        page.pdf(path=tmp_path / "lesson.pdf")
        assert (tmp_path / "lesson.pdf").stat().st_size > 50_000
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"static_{language}.png", full_page=True)
        assert not troubles
