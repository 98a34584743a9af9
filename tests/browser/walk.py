"""What a person does in a lesson: open it, answer questions, move a slider, read the caption."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from lessons.tools.prose import common

SLOW = 20_000
"""Milliseconds that a lesson may take to open on a busy machine."""


def opened(page: Page, address: str, name: str, language: str = "en") -> None:
    """Open a lesson and wait for its first question and its last exercise, behind which no question comes."""
    page.goto(f"{address}/lesson/{name}/?language={language}")
    for label in ("check", "look"):
        page.get_by_role("button", name=common(language).label(label)).first.wait_for(timeout=SLOW)


def answered(page: Page, language: str = "en") -> None:
    """Answer every question (2, or the first choice) and wait for the last figure."""
    done, look = 0, common(language).label("look")
    while done < page.get_by_role("button", name=look).count():
        form = page.locator("marimo-form").filter(has=page.get_by_role("button", name=look)).nth(done)
        if form.get_by_role("radio").count():
            form.get_by_role("radio").first.click()
        else:
            form.get_by_role("textbox").fill("2")
        form.get_by_role("button", name=look).click()
        done += 1
        expect(page.locator("[data-reply]")).to_have_count(done, timeout=SLOW)
    page.locator("figure img").first.wait_for(timeout=SLOW)
    expect(page.get_by_text(common(language).text("wait").strip("*"))).to_have_count(0, timeout=SLOW)
    figure_of(page, page.get_by_role("slider").last)


def figure_of(page: Page, slider: Locator) -> Locator:
    """Return the first figure below a slider, once it is drawn."""
    for _ in range(SLOW // 100):
        place = slider.bounding_box()
        assert place
        for figure in page.locator("figure").all():
            box = figure.bounding_box()
            if box and box["y"] > place["y"]:
                return figure
        page.wait_for_timeout(100)
    raise AssertionError("no figure below the slider")


def moved(page: Page, slider: Locator, key: str) -> str:
    """Press a key on a slider and return the caption of its figure, once it has changed."""
    figure = figure_of(page, slider)
    before = figure.inner_html()
    slider.press(key)
    page.wait_for_function("([one, before]) => one.innerHTML !== before", arg=[figure.element_handle(), before])
    return str(figure.locator("figcaption").inner_text())


def trouble(page: Page) -> list[str]:
    """Return texts that no student should see."""
    wanted = re.compile(r"Traceback|internal error|\bnan\b|MarimoStop", re.IGNORECASE)
    return [str(one.inner_text()) for one in page.get_by_text(wanted).all()]
