"""Every lesson as a student meets it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect
from scipy import stats

from lessons.tools.language import LANGUAGES
from lessons.tools.prose import Prose, typeset
from tests.browser.conftest import shot, watch
from tests.browser.layout import sideways, starved
from tests.browser.walk import (
    SLOW,
    answered,
    english,
    moved,
    opened,
    refuted,
    replied,
    to_both_ends,
    trouble,
    unfolded,
    written,
)


@dataclass(frozen=True)
class Spot:
    """One move of one slider, what the caption must then say, by arithmetic done here; and the exercises' answers."""

    slider: str
    """Its label in the prose."""
    says: str
    """In English behind some words, in every language with this number, the last word."""
    right: tuple[str, str, str]
    """Right answers."""
    place: int = 0
    """Which slider of that name."""


LARGEST_OF_10 = 1.538753
"""Mean of the largest of ten standard normals (Harter 1961, table 1)."""
NATS = math.log(2e6)
FOUND = 100 * stats.chi2(72 * 50, scale=1.1 / (72 * 50)).sf(1 + math.sqrt(4 / 72 * NATS / 50) + 2 / 72 * NATS / 50)
"""Of 100 audits, those whose mean of 72 x 50 squares, 10 % too large, is above the bound of one in a million."""
SPOTS = {
    "1_starting_point": Spot("gain", f"the closed form says {typeset(1.11**100)}", ("g^(2L)", "sqrt(2)", "65.6")),
    "2_one_layer": Spot(
        "deviation", f"says {typeset(1.05 * math.sqrt(100))}", ("n v (q + m^2)", "(1 + 1/n) / 3", "12")
    ),
    "3_glorot": Spot(
        "fan-out size", f"forwards ({typeset(100 / 310)})", ("2b/(a+b)", "(4ab/(a+b)^2)^k", "sqrt(6/300)")
    ),
    "4_he": Spot("depth", f"the closed form says {typeset(0.5**31)}", ("sqrt(2/(1+a^2))", "1/6", "9/16")),
    "5_finite_width": Spot(
        "width", f"says {typeset(1 - (1 - 2**-6) ** 50)}", ("(1+5/n)^L - 1", "719", "1-(1-2^(-n))^L"), place=3
    ),
    "6_residual_streams": Spot(
        "blocks", f"the closed form says {typeset(2**21)}", ("(1+s^2)^L", "3^L - 1", "sqrt(2^(1/100) - 1)")
    ),
    "7_homogeneity": Spot(
        "deviation", typeset(1.05 * LARGEST_OF_10 - math.log(10)), ("c^L", "L (loss - entropy)", "1.2286")
    ),
    "8_fixup": Spot("percent", f"says {typeset(1.0101**1000 - 1)}", ("L^(-1/(2m-2))", "1/sqrt(54)", "(1-t/L)^L")),
    "9_undrawn": Spot("angle", f"is {typeset(math.cos(math.pi / 4))} times the first", ("2nB", "s^2 (1-k^2)", "3/2")),
    "10_nets_in_time": Spot(
        "bias", f"says {typeset((1 + math.exp(-1.25)) ** -20)}", ("1+2/n^2", "t b a^(t-1)", "-log(2^(1/T) - 1)")
    ),
    "11_attention": Spot("layers", f"the closed form says {typeset(1 + 2 * 13)}", ("1/4", "1/sqrt(2N)", "L^(2/3)")),
    "12_own_network": Spot("units", f"found in {typeset(FOUND)} of 100", ("a/b", "sqrt(2/(m S))", "0.1")),
}
FULL_WIDTH = str.maketrans("()+=,.0123456789", "（）＋＝，．０１２３４５６７８９")
"""What a Chinese keyboard writes."""
NUMBER = re.compile(r"[−\d][\d.,]*(?: × 10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?")


FOCUSED = """() => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    return element?.getAttribute("role") ?? element?.type;
}"""
"""The role or type of the element that has the focus, inside whatever contains it."""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SPOTS)
def test_a_lesson_is_walked_from_end_to_end(page: Page, address: str, name: str, language: str) -> None:
    """In one visit, as opening a lesson takes long: guesses, figures, statements, exercises, and then on a phone."""
    prose, spot = Prose(name.partition("_")[2], language=language), SPOTS[name]
    opened(page, address, name, language)
    assert page.title() == prose.label("title")
    assert page.locator("figure").count() == 0, "nothing is shown before a guess"
    answered(page, language)
    slider = page.get_by_role("slider", name=prose.label(spot.slider).partition("$")[0]).nth(spot.place)
    caption = moved(page, slider, "ArrowRight")
    assert (spot.says if language == "en" else NUMBER.findall(spot.says)[0]) in caption
    for picture in page.locator("figure img").all():
        assert len(picture.get_attribute("alt") or "") > (40 if language == "en" else 15)
        assert picture.evaluate("image => image.naturalWidth") > 100
    refuted(page, language)
    unfolded(page, language)
    typed = [one if language == "en" else one.translate(FULL_WIDTH) for one in spot.right]
    for place, answer in enumerate(typed):
        for given, kind in (("", "unreadable"), ("12345.678", "wrong"), (answer, "right")):
            assert replied(page, place, given, kind, language)
    assert written(page, language) == typed, "each field keeps its own answer"
    shot(page, f"{name}_{language}")
    to_both_ends(page, language)
    assert not trouble(page)
    assert language == "en" or english(page) == []
    page.set_viewport_size({"width": 390, "height": 900})
    assert sideways(page) <= 0
    assert starved(page) == []


@pytest.mark.parametrize("guess", ["", "   ", "abc", "1e999", "1/0", "<script>alert(1)</script>", "9" * 300, "0,5"])
def test_absurd_guesses_are_answered_and_reveal_nothing(page: Page, address: str, guess: str) -> None:
    opened(page, address, "1_starting_point")
    page.get_by_role("textbox").first.fill(guess)
    page.get_by_role("button", name="Look").first.click()
    expect(page.locator('[data-reply="unreadable"]')).to_have_count(1, timeout=SLOW)
    assert page.locator("figure").count() == 0
    assert not trouble(page)


def test_the_keyboard_is_enough(page: Page, address: str) -> None:
    opened(page, address, "1_starting_point")

    def tab_to(kind: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate(FOCUSED) == kind:
                return
        raise AssertionError(f"Tab never reached a {kind}")

    tab_to("text")
    page.keyboard.type("100")
    tab_to("submit")
    page.keyboard.press("Enter")
    page.locator("figure").first.wait_for(timeout=SLOW)
    tab_to("slider")
    page.keyboard.press("ArrowRight")
    expect(page.locator("figcaption").first).to_contain_text(typeset(1.11**100), timeout=SLOW)


def test_two_browsers_do_not_disturb_each_other(browser: Browser, address: str) -> None:
    troubles: list[str] = []
    contexts = [browser.new_context() for _ in range(2)]
    pages = [context.new_page() for context in contexts]
    for page in pages:
        watch(page, address, troubles)
        opened(page, address, "1_starting_point")
    for page in pages:
        answered(page)
    sliders = [page.get_by_role("slider", name="gain g") for page in pages]
    sliders[0].press("Home")
    sliders[1].press("End")
    for page, gain in zip(pages, (0.5, 2.0), strict=True):
        expect(page.locator("figcaption").first).to_contain_text(typeset(gain**100), timeout=SLOW)
        assert not trouble(page)
    for context in contexts:
        context.close()
    assert not troubles
