"""A teacher in front of a class, a student who comes back, and figures that are saved."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Locator, Page, expect

from lessons.tools.prose import Prose, common
from lessons.tools.server import notebooks
from tests.browser.conftest import SCREENSHOTS
from tests.browser.layout import sideways
from tests.browser.walk import SLOW, opened

LESSON = "4_he"
FIGURES = notebooks()[LESSON].read_text(encoding="utf-8").count("show.panel(")
ANSWERS = "details.answer"
PATIENCE = 3 * SLOW
"""Milliseconds for all figures at once."""
TOP = "element => Math.round(element.getBoundingClientRect().top)"


def _taught(page: Page, address: str, language: str = "en") -> None:
    """Open the lesson for a class and wait for its last figure."""
    page.goto(f"{address}/lesson/{LESSON}/?language={language}&teach=1")
    expect(page.locator("figure img")).to_have_count(FIGURES, timeout=PATIENCE)
    expect(page.locator(ANSWERS)).to_have_count(FIGURES + 3, timeout=SLOW)  # of questions and exercises


def _question(page: Page, number: int, language: str = "en") -> Locator:
    look = page.get_by_role("button", name=common(language).label("look"))
    return page.locator("marimo-form").filter(has=look).nth(number)


def _sent(page: Page, number: int, *texts: str) -> None:
    """Type texts into the fields of a question and send them."""
    for place, text in enumerate(texts):
        _question(page, number).get_by_role("textbox").nth(place).fill(text)
    _question(page, number).get_by_role("button", name="Look").click()


def _leave_the_field(page: Page) -> None:
    page.keyboard.press("Escape")


def test_a_student_is_shown_a_figure_at_one_press(page: Page, address: str) -> None:
    opened(page, address, LESSON)
    assert page.locator("figure").count() == 0
    page.get_by_role("button", name="Show me").nth(1).click()
    page.locator("figure img").wait_for(timeout=SLOW)
    told = page.locator('[data-reply="told"]')
    expect(told).to_have_count(1)
    expect(told).to_contain_text(Prose("he", language="en").label("square"))
    assert page.locator("figure").count() == 1, "the others wait for a guess of their own"


def test_answers_are_kept_over_a_reload_until_they_are_forgotten(page: Page, address: str) -> None:
    opened(page, address, LESSON)
    _sent(page, 0, "2^20")
    _question(page, 1).get_by_role("radio").nth(2).press("Space")
    expect(_question(page, 1).get_by_role("radio").nth(2)).to_be_checked()
    _question(page, 1).get_by_role("button", name="Look").press("Enter")
    page.get_by_role("button", name="Show me").nth(2).click()
    exercise = page.locator("marimo-form").filter(has=page.get_by_role("button", name="Check")).first
    exercise.get_by_role("textbox").fill("sqrt(2)")
    exercise.get_by_role("button", name="Check").click()
    expect(page.locator("[data-reply]")).to_have_count(4, timeout=SLOW)
    replies = page.locator("[data-reply]").all_inner_texts()

    for language in ("en", "zh"):
        page.goto(f"{address}/lesson/{LESSON}/?language={language}")
        expect(page.locator("[data-reply]")).to_have_count(4, timeout=SLOW)
        expect(page.locator("figure")).to_have_count(3, timeout=SLOW)
        assert _question(page, 0, language).get_by_role("textbox").input_value() == "2^20"
        expect(_question(page, 1, language).get_by_role("radio").nth(2)).to_be_checked()
        if language == "en":
            assert page.locator("[data-reply]").all_inner_texts() == replies

    page.get_by_role("button", name=common("zh").label("forget")).click()
    page.wait_for_load_state()
    opened(page, address, LESSON)
    page.wait_for_timeout(1500)
    assert page.locator("[data-reply]").count() == 0
    assert page.locator("figure").count() == 0


def test_an_empty_answer_is_not_kept(page: Page, address: str) -> None:
    opened(page, address, LESSON)
    _sent(page, 0, "")
    expect(page.locator("[data-reply]")).to_have_count(1, timeout=SLOW)
    opened(page, address, LESSON)
    page.wait_for_timeout(1500)
    assert page.locator("[data-reply]").count() == 0


@pytest.mark.parametrize("language", ["en", "zh"])
def test_from_the_index_to_a_lesson_for_a_class_and_back_in_one_language(
    page: Page, address: str, language: str
) -> None:
    said = common(language)
    page.goto(f"{address}/?language={language}")
    page.get_by_role("link", name=said.label("teach")).click()
    page.wait_for_url(f"{address}/?language={language}&teach=1")
    page.locator("ol a").nth(3).click()
    expect(page.locator("figure img")).to_have_count(FIGURES, timeout=PATIENCE)
    assert page.url.endswith(f"/lesson/{LESSON}/?language={language}&teach=1")
    assert page.locator("[data-reply]").count() == 0
    assert not page.locator(f"{ANSWERS} dl").first.is_visible()
    expect(page.get_by_text("F", exact=True)).to_be_visible()
    page.get_by_role("link", name=said.label("student")).click()
    page.wait_for_url(f"{address}/lesson/{LESSON}/?language={language}")
    page.get_by_role("button", name=said.label("look")).first.wait_for(timeout=SLOW)
    assert page.locator("figure").count() == 0


def test_arrow_keys_lead_from_question_to_figure_and_leave_sliders_alone(page: Page, address: str) -> None:
    _taught(page, address)
    places = [
        page.get_by_role("heading", name="The factor two"),
        page.get_by_text("A symmetric pre-activation").first,
        page.get_by_role("heading", name="Leaky slopes"),
        page.get_by_text("Every point is one layer").first,
    ]
    for place in places:
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(200)
        assert 0 < place.evaluate(TOP) < 150
    for place in reversed(places[:-1]):
        page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(200)
        assert 0 < place.evaluate(TOP) < 150
    slider = page.get_by_role("slider").first
    slider.focus()
    before, value = places[0].evaluate(TOP), slider.get_attribute("aria-valuenow")
    page.keyboard.press("ArrowRight")
    expect(slider).not_to_have_attribute("aria-valuenow", value or "")
    assert places[0].evaluate(TOP) == before
    _leave_the_field(page)
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(200)
    assert places[0].evaluate(TOP) != before


def test_one_key_opens_the_answers_of_a_section_and_folds_them(page: Page, address: str) -> None:
    _taught(page, address)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("a")
    answer = page.locator(ANSWERS).first
    expect(answer).to_have_attribute("open", "")
    for kind in ("close", "small", "large"):
        expect(answer).to_contain_text(common("en").label(f"said {kind}"))
    assert page.locator(f"{ANSWERS}[open]").count() == 1
    page.keyboard.press("a")
    assert page.locator(f"{ANSWERS}[open]").count() == 0
    page.get_by_role("heading", name="Exercises").scroll_into_view_if_needed()
    page.get_by_role("heading", name="Exercises").evaluate("element => element.scrollIntoView()")
    for opened_now in (1, 2, 3, 0):
        page.keyboard.press("a")
        assert page.locator(f"{ANSWERS}[open]").count() == opened_now


def test_guesses_of_a_class_are_drawn_and_bad_ones_are_named(page: Page, address: str) -> None:
    _taught(page, address)
    _sent(page, 0, "2, 30, x, 2^30")
    expect(page.locator('[data-reply="unreadable"]')).to_contain_text("Entry 3, x", timeout=SLOW)
    _sent(page, 0, "2, 30, 60, 900, 1e6, 2^30, 1e9, 1e9, 0")
    expect(page.locator("figure")).to_have_count(FIGURES + 1, timeout=SLOW)
    expect(page.locator("[data-reply]")).to_have_count(0)
    expect(page.locator("figcaption").first).to_contain_text("9 guesses from 0 to 1.07 × 10⁹")
    _sent(page, 1, "12", "7", "")
    expect(page.locator("figure")).to_have_count(FIGURES + 2, timeout=SLOW)
    expect(page.locator("figcaption").nth(2)).to_contain_text("0 of 19")
    page.reload()
    expect(page.locator("figure img")).to_have_count(FIGURES, timeout=PATIENCE)
    page.wait_for_timeout(1500)
    assert page.locator("figure").count() == FIGURES, "the next class sees nothing of it"


def test_a_figure_fills_the_screen_and_keeps_its_sliders(page: Page, address: str) -> None:
    _taught(page, address)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("f")
    figure, sliders = page.locator("[data-staged=figure]"), page.locator("[data-staged=sliders]")
    page.wait_for_function("document.fullscreenElement !== null")
    expect(_question(page, 0)).not_to_be_visible()
    slider, caption = sliders.get_by_role("slider").first, figure.locator("figcaption")
    expect(caption).to_contain_text("30 layers")
    slider.press("ArrowRight")
    expect(caption).to_contain_text("31 layers", timeout=SLOW)
    expect(slider).to_be_visible()
    for shown in (figure.locator("img"), slider):
        box = shown.bounding_box()
        assert box
        assert box["x"] + box["width"] <= 1280
        assert box["y"] + box["height"] <= 900
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "full_screen.png")
    slider.blur()
    page.keyboard.press("ArrowRight")
    expect(figure.locator("figcaption")).to_contain_text("At slope 0 with gain 1.41")
    page.wait_for_timeout(500)
    assert page.locator("[data-staged=figure]").count() == 1
    page.keyboard.press("f")
    expect(page.locator("[data-staged]")).to_have_count(0)
    page.wait_for_function("document.fullscreenElement === null")


@pytest.mark.parametrize("query", ["", "&teach=1"])
def test_a_figure_is_saved_with_its_caption_and_its_sources(
    page: Page, address: str, tmp_path: Path, query: str
) -> None:
    page.goto(f"{address}/lesson/{LESSON}/?language=zh{query}")
    if not query:
        page.get_by_role("button", name=common("zh").label("show me")).first.click(timeout=SLOW)
    page.locator("figure img").first.wait_for(timeout=SLOW)
    with page.expect_download() as download:
        page.get_by_role("button", name=common("zh").label("save")).first.click()
    assert download.value.suggested_filename == "he_depths.svg"
    download.value.save_as(tmp_path / "he_depths.svg")
    root = ElementTree.parse(tmp_path / "he_depths.svg").getroot()
    text = re.sub(r"\s", "", "".join(one.text or "" for one in root.iter("{http://www.w3.org/2000/svg}text")))
    assert re.sub(r"\s", "", page.locator("figcaption > span").first.inner_text()) in text
    assert "DelvingDeepintoRectifiers" in text
    assert root.find("{http://www.w3.org/2000/svg}svg") is not None, "the picture"


@pytest.mark.parametrize("query", ["", "&teach=1"])
def test_a_lesson_for_a_class_and_its_index_fit_a_phone(page: Page, address: str, query: str) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(f"{address}/?language=en{query}")
    assert sideways(page) <= 0
    page.goto(f"{address}/lesson/{LESSON}/?language=en{query}")
    if not query:
        page.get_by_role("button", name="Show me").first.click(timeout=SLOW)
    page.locator("figure img").first.wait_for(timeout=SLOW)
    page.wait_for_timeout(1000)
    assert sideways(page) <= 0
    page.screenshot(path=SCREENSHOTS / f"phone{query.replace('&', '_').replace('=', '')}.png")
