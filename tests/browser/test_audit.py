"""The page of an audit on a wide screen, on a phone, in the dark and on paper; from its file, offline."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import SCREENSHOTS, watch
from tests.browser.layout import faint, sideways, starved

pytest.importorskip("torch")

from audit import audit
from tests.audit.nets import inputs, residual


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page of a model with faults of several kinds."""
    report = audit(lambda: residual(norm=False, blocks=4), inputs(4, 32), seeds=8, claim={"0.first.*": "lecun"})
    path = tmp_path_factory.mktemp("audit") / "audit.html"
    path.write_text(report.as_html("tests.audit.nets:residual"), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_fetches_nothing_and_can_be_read_by_keyboard(
    browser: Browser, file: Path, width: int, scheme: str
) -> None:
    with browser.new_context(viewport={"width": width, "height": 900}, offline=True) as context:
        page, troubles = context.new_page(), list[str]()
        watch(page, file.as_uri(), troubles)
        page.emulate_media(color_scheme=scheme)
        page.goto(file.as_uri())
        _looked_at(page)
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"audit_{width}_{scheme}.png", full_page=True)
        assert page.locator("figure").count() == 2
        _walked(page)
        page.emulate_media(media="print", color_scheme="light")
        page.set_viewport_size({"width": 718, "height": 1000})  # A4 between margins of 1 cm
        assert sideways(page) <= 0
        assert not troubles


def _looked_at(page: Page) -> None:
    for _ in range(2):
        assert sideways(page) <= 0
        assert starved(page) == []
        assert faint(page) == []
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")


def _walked(page: Page) -> None:
    """Reach a coloured column with the keyboard, and from there what is said of it."""
    page.locator(".skip").focus()
    column = page.locator("a.refuted").first
    for _ in range(5):
        page.keyboard.press("Tab")
        if column.evaluate("one => one === document.activeElement"):
            break
    ring = column.locator("circle").evaluate("one => getComputedStyle(one).strokeWidth")
    assert ring == "5px"
    page.keyboard.press("Enter")
    target = page.locator("article:target")
    assert "0.first" in target.inner_text()
