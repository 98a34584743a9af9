"""Every lesson as a student meets it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect
from scipy import stats

from lessons.tools.prose import typeset
from tests.browser.conftest import shot, watch
from tests.browser.walk import SLOW, answered, moved, opened, trouble


@dataclass(frozen=True)
class Spot:
    """One move of one slider and what the caption must then say, by arithmetic done here; and an exercise's answer."""

    slider: str
    """The beginning of its name."""
    key: str
    says: str
    right: str
    """A right answer to the first exercise."""
    place: int = 0
    """Which slider of that name."""


LARGEST_OF_10 = 1.538753
"""Mean of the largest of ten standard normals (Harter 1961, table 1)."""
NATS = math.log(2e6)
FOUND = 100 * stats.chi2(72 * 50, scale=1.1 / (72 * 50)).sf(1 + math.sqrt(4 / 72 * NATS / 50) + 2 / 72 * NATS / 50)
"""Of 100 audits, those whose mean of 72 x 50 squares, 10 % too large, is above the bound of one in a million."""
SPOTS = {
    "1_starting_point": Spot("gain g", "ArrowRight", f"the closed form says {typeset(1.11**100)}", "g^(2L)"),
    "2_one_layer": Spot(
        "standard deviation s", "ArrowRight", f"says {typeset(1.05 * math.sqrt(100))}", "n v (q + m^2)"
    ),
    "3_glorot": Spot("fan-out (", "ArrowRight", f"forwards ({typeset(100 / 310)})", "2b/(a+b)"),
    "4_he": Spot("depth L", "ArrowRight", f"the closed form says {typeset(0.5**31)}", "sqrt(2/(1+a^2))"),
    "5_finite_width": Spot("width n", "ArrowRight", f"says {typeset(1 - (1 - 2**-6) ** 50)}", "(1+5/n)^L - 1", 3),
    "6_residual_streams": Spot("blocks L", "ArrowRight", f"the closed form says {typeset(2**21)}", "(1+s^2)^L"),
    "7_homogeneity": Spot("deviation of the logits", "ArrowRight", typeset(1.05 * LARGEST_OF_10 - math.log(10)), "c^L"),
    "8_fixup": Spot("what one branch", "ArrowRight", f"says {typeset(1.0101**1000 - 1)}", "L^(-1/(2m-2))"),
    "10_nets_in_time": Spot("forget bias", "ArrowRight", f"says {typeset((1 + math.exp(-1.25)) ** -20)}", "1+2/n^2"),
    "11_attention": Spot("layers N", "ArrowRight", f"the closed form says {typeset(1 + 2 * 13)}", "1/4"),
    "12_own_network": Spot("units of the layer", "ArrowRight", f"found in {typeset(FOUND)} of 100", "a/b"),
    "9_undrawn": Spot("angle", "ArrowRight", f"is {typeset(math.cos(math.pi / 4))} times the first", "2nB"),
}


FOCUSED = """() => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    return element?.getAttribute("role") ?? element?.type;
}"""
"""The role or type of the element that has the focus, inside whatever contains it."""


@pytest.mark.parametrize("name", SPOTS)
def test_lesson_opens_and_shows_nothing_before_a_guess(page: Page, address: str, name: str) -> None:
    opened(page, address, name)
    assert page.locator("figure").count() == 0
    assert not trouble(page)


@pytest.mark.parametrize("name", SPOTS)
def test_slider_moves_figure_and_number_to_the_closed_form(page: Page, address: str, name: str) -> None:
    opened(page, address, name)
    answered(page)
    spot = SPOTS[name]
    assert spot.says in moved(page, page.get_by_role("slider", name=spot.slider).nth(spot.place), spot.key)
    shot(page, name)
    for picture in page.locator("figure img").all():
        assert len(picture.get_attribute("alt") or "") > 40
        assert picture.evaluate("image => image.naturalWidth") > 100
    assert not trouble(page)


@pytest.mark.parametrize("name", SPOTS)
def test_every_slider_goes_to_both_ends(page: Page, address: str, name: str) -> None:
    opened(page, address, name)
    answered(page)
    figures = page.locator("figure").count()
    for slider in page.get_by_role("slider").all():
        for key, end in (("End", "aria-valuemax"), ("Home", "aria-valuemin")):
            slider.press(key)
            expect(slider).to_have_attribute("aria-valuenow", slider.get_attribute(end) or "")
            page.wait_for_timeout(600)
    page.wait_for_timeout(2000)
    assert page.locator("figure").count() == figures
    assert not trouble(page)


@pytest.mark.parametrize("name", SPOTS)
def test_a_wrong_and_a_right_answer_get_their_replies(page: Page, address: str, name: str) -> None:
    opened(page, address, name)
    form = page.locator("marimo-form").filter(has=page.get_by_role("button", name="Check")).first
    for answer, kind in (("", "unreadable"), ("12345.678", "wrong"), (SPOTS[name].right, "right")):
        form.get_by_role("textbox").fill(answer)
        form.get_by_role("button", name="Check").click()
        expect(page.locator(f'[data-reply="{kind}"]')).to_have_count(1, timeout=SLOW)
        assert form.get_by_role("textbox").input_value() == answer, "the answer stays in its field"


@pytest.mark.parametrize("name", SPOTS)
def test_wrong_statements_are_refuted_and_derivations_unfold(page: Page, address: str, name: str) -> None:
    opened(page, address, name)
    answered(page)
    for button in page.get_by_role("button", name="Put it to the test").all():
        before = page.get_by_role("cell", name="refuted").count()
        button.click()
        expect(page.get_by_role("cell", name="refuted")).to_have_count(before + 1, timeout=SLOW)
    derivation = page.get_by_role("button", name="Derivation, step by step").first
    formulas = page.locator(".katex:visible")
    before = formulas.count()
    derivation.click()
    expect(formulas).not_to_have_count(before)
    assert formulas.count() > before
    assert page.locator(".katex-error").count() == 0


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
