"""What a person does in a lesson: open it, answer questions, move a slider, read the caption."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from lessons.tools.prose import common, translated

SLOW = 60_000
"""Milliseconds that a lesson may take to open on a busy machine."""
CHANGED = """figures => {
    const now = figures.map(one => one.innerHTML).join(), before = window.figuresBefore;
    window.figuresBefore = now;
    return now !== before;
}"""
ENGLISH = re.compile(r"[A-Za-z']{2,} [A-Za-z']{2,} [A-Za-z']{2,}")
"""Three words in a row, which no formula and no name of ours is."""
TEXTS = """() => {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (element.checkVisibility() && !element.closest("script, style, code, .katex, em, [lang=en]"))
            found.push(walker.currentNode.textContent);
    }
    return found;
}"""
"""What stands on a page, but for code, formulas, titles of papers and the way to English."""


def opened(page: Page, address: str, name: str, language: str = "en") -> None:
    """Open a lesson and wait for its first question and its last exercise, behind which no question comes."""
    page.goto(f"{address}/lesson/{name}/?language={language}")
    for label in ("check", "look"):
        page.get_by_role("button", name=common(language).label(label)).first.wait_for(timeout=SLOW)


def answered(page: Page, language: str = "en") -> None:
    """Answer every question (2, or the first choice) and wait for the last figure.

    Choices are made from the keyboard: a figure that comes between press and release of the mouse moves the form away.
    """
    done, look = 0, common(language).label("look")
    while done < page.get_by_role("button", name=look).count():
        form = page.locator("marimo-form").filter(has=page.get_by_role("button", name=look)).nth(done)
        if form.get_by_role("radio").count():
            form.get_by_role("radio").first.press("Space")
            expect(form.get_by_role("radio").first).to_be_checked()
        else:
            form.get_by_role("textbox").fill("2")
        form.get_by_role("button", name=look).press("Enter")
        done += 1
        expect(page.locator("[data-reply]")).to_have_count(done, timeout=SLOW)
        expect(page.locator("[data-reply=unreadable]")).to_have_count(0)
    page.locator("figure img").first.wait_for(timeout=SLOW)
    expect(page.get_by_text(common(language).text("wait").strip("*"))).to_have_count(0, timeout=SLOW)
    figure_of(page, page.get_by_role("slider").last)
    _settled(page)


def _settled(page: Page) -> None:
    """Wait until no figure has come or changed for 1.5 seconds: one that comes would move the places of others."""
    _changed(page)
    for _ in range(SLOW // 1500):
        page.wait_for_timeout(1500)
        if not _changed(page):
            return
    raise AssertionError("figures go on changing")


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


def to_both_ends(page: Page, language: str = "en") -> None:
    """Move each slider to its one end and to the other; a figure must follow each time, and all of them stay.

    Other weights may draw the same figure (what holds for all of them is what lessons teach), so a seed is given time.
    """
    figures = page.locator("figure").count()
    seeds = page.get_by_role("slider", name=common(language).label("seed"))
    for place, slider in enumerate(page.get_by_role("slider").all()):
        for key, end in (("Home", "aria-valuemin"), ("End", "aria-valuemax")):
            wanted = slider.get_attribute(end) or ""
            if slider.get_attribute("aria-valuenow") != wanted:
                _changed(page)
                slider.press(key)
                expect(slider).to_have_attribute("aria-valuenow", wanted)
                if slider.and_(seeds).count():
                    page.wait_for_timeout(600)
                else:
                    _wait_for_change(page, f"slider {place} to {wanted}")
    assert page.locator("figure").count() == figures


def _wait_for_change(page: Page, what: str) -> None:
    for _ in range(SLOW // 50):
        if _changed(page):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"no figure follows: {what}")


def _changed(page: Page) -> bool:
    """Whether a figure is another than when this was last asked."""
    return bool(page.locator("figure").evaluate_all(CHANGED))


def replied(page: Page, place: int, answer: str, kind: str, language: str = "en") -> str:
    """Answer an exercise and return the reply, which is of this kind."""
    form, replies = _exercises(page, language)[place], page.locator(f'[data-reply="{kind}"]')
    before = replies.count()
    form.get_by_role("textbox").fill(answer)
    form.get_by_role("button", name=common(language).label("check")).click()
    expect(replies).to_have_count(before + 1, timeout=SLOW)
    return str(replies.nth(before).inner_text())


def written(page: Page, language: str = "en") -> list[str]:
    """Return what stands in the fields of the exercises."""
    return [str(one.get_by_role("textbox").input_value()) for one in _exercises(page, language)]


def _exercises(page: Page, language: str) -> list[Locator]:
    button = page.get_by_role("button", name=common(language).label("check"))
    return list(page.locator("marimo-form").filter(has=button).all())


def refuted(page: Page, language: str = "en") -> None:
    """Put every statement to the test; each is refuted."""
    word = translated("refuted", "findings", language)
    for button in page.get_by_role("button", name=common(language).label("refute")).all():
        before = page.get_by_role("cell", name=word, exact=True).count()
        button.click()
        expect(page.get_by_role("cell", name=word, exact=True)).to_have_count(before + 1, timeout=SLOW)


def unfolded(page: Page, language: str = "en") -> None:
    """Unfold every derivation; formulas appear, and all can be typeset."""
    formulas = page.locator(".katex:visible")
    for derivation in page.get_by_role("button", name=common(language).label("derivation").format("")).all():
        before = formulas.count()
        derivation.click()
        expect(formulas).not_to_have_count(before, timeout=SLOW)
        assert formulas.count() > before
    assert page.locator(".katex-error").count() == 0


def moved(page: Page, slider: Locator, key: str) -> str:
    """Press a key on a slider and return the caption of its figure, once it has changed."""
    figure = figure_of(page, slider)
    before, was = figure.inner_html(), slider.get_attribute("aria-valuenow") or ""
    slider.press(key)
    expect(slider).not_to_have_attribute("aria-valuenow", was)
    expect(figure).not_to_have_js_property("innerHTML", before, timeout=SLOW)
    return str(figure.locator("figcaption").inner_text())


def trouble(page: Page) -> list[str]:
    """Return texts that no student should see."""
    wanted = re.compile(r"Traceback|internal error|\bnan\b|MarimoStop", re.IGNORECASE)
    return [str(one.inner_text()) for one in page.get_by_text(wanted).all()]


def english(page: Page) -> list[str]:
    """Return texts of a page that are in English; authors are cited as "He et al." in every language."""
    return [text for text in page.evaluate(TEXTS) if ENGLISH.search(text.replace("et al.", ""))]
