"""The pages in Chinese, as a reader meets them who has nothing else, and the way between the languages."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from lessons.tools.prose import common
from tests.browser.conftest import watch
from tests.browser.layout import faint, sideways, starved
from tests.browser.walk import SLOW, english, opened

LESSON = "6_residual_streams"
SAID = common("zh")


def _language(page: Page) -> str:
    return str(page.evaluate("document.documentElement.lang"))


@pytest.mark.parametrize("path", ["/", "/teacher", "/gallery", f"/lesson/{LESSON}/"])
def test_the_switch_keeps_the_page_and_the_choice_is_kept(page: Page, address: str, path: str) -> None:
    page.goto(f"{address}{path}")
    assert _language(page) == "en"
    title = page.title()
    page.get_by_role("link", name="中文").click(timeout=SLOW)
    page.wait_for_url(f"{address}{path}?language=zh")
    assert _language(page) == "zh-Hans"
    assert page.title() != title
    page.goto(f"{address}{path}")
    assert _language(page) == "zh-Hans"
    page.get_by_role("link", name="English").click(timeout=SLOW)
    page.wait_for_url(f"{address}{path}?language=en")
    assert (_language(page), page.title()) == ("en", title)


def test_two_tabs_in_two_languages_do_not_disturb_each_other(page: Page, address: str) -> None:
    opened(page, address, LESSON, "zh")
    other = page.context.new_page()
    opened(other, address, LESSON, "en")
    for one, language in ((page, "zh"), (other, "en")):
        one.get_by_role("textbox").first.fill("")
        one.get_by_role("button", name=common(language).label("look")).first.click()
        says = {"zh": "请先写点什么", "en": "Write something first"}[language]
        expect(one.locator('[data-reply="unreadable"]')).to_contain_text(says, timeout=SLOW)


def test_a_browser_that_likes_chinese_best_gets_it(browser: Browser, address: str) -> None:
    with browser.new_context(locale="zh-CN") as context:
        page, troubles = context.new_page(), list[str]()
        watch(page, address, troubles)
        page.goto(address)
        assert _language(page) == "zh-Hans"
        page.locator("ol a").nth(5).click()
        page.get_by_role("button", name=SAID.label("check")).first.wait_for(timeout=SLOW)
        assert not troubles


@pytest.mark.parametrize("path", ["/", "/teacher", "/gallery"])
def test_chinese_pages_fit_a_phone_and_have_no_english(page: Page, address: str, path: str) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(f"{address}{path}?language=zh")
    assert sideways(page) <= 0
    assert starved(page) == []
    assert faint(page) == []
    assert english(page) == []
