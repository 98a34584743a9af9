"""The pages around the lessons."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from lessons.tools.server import notebooks
from tests.browser.conftest import ROOT, SCREENSHOTS
from tests.browser.layout import faint, sideways, starved
from tests.browser.walk import opened


def test_index_leads_to_all_lessons_and_the_pages_beside_them(page: Page, address: str) -> None:
    page.goto(address)
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "index.png", full_page=True)
    lessons = page.locator("ol a")
    assert lessons.count() == len(notebooks())
    for link in ("/teacher", "/gallery"):
        page.goto(address)
        page.locator(f'a[href="{link}?language=en"]').click()
        assert page.get_by_role("heading").count() > 3
        page.screenshot(path=SCREENSHOTS / f"{link[1:]}.png", full_page=True)
        page.get_by_role("link", name="Back to the lessons").click()
        assert page.url == f"{address}/?language=en"


def test_every_picture_of_the_gallery_loads(page: Page, address: str) -> None:
    page.goto(f"{address}/gallery")
    for picture in page.locator("img").all():
        assert picture.get_attribute("alt")
        picture.scroll_into_view_if_needed()
        page.wait_for_function("image => image.complete && image.naturalWidth > 100", arg=picture.element_handle())


def test_an_interrupt_ends_the_server_though_a_lesson_is_open(browser: Browser) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-m", "lessons"], cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        try:
            address = server.stdout.readline().split()[2].rstrip("/")
            with browser.new_context() as context:
                opened(context.new_page(), address, "1_starting_point")
                server.send_signal(signal.SIGINT)
                assert server.wait(20) == 0
            assert server.stderr.read() == ""
        finally:
            server.kill()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("path", ["/", "/teacher", "/gallery"])
def test_every_page_fits_every_screen(page: Page, address: str, path: str, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{address}{path}")
    assert sideways(page) <= 0
    assert starved(page) == []
    assert faint(page) == []
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{path[1:] or 'index'}_{width}_{scheme}.png")


def test_every_lesson_of_the_index_shows_its_picture(page: Page, address: str) -> None:
    page.goto(address)
    pictures = page.locator(".lessons img").all()
    assert len(pictures) == page.locator(".lessons li").count() > 0
    for picture in pictures:
        picture.scroll_into_view_if_needed()
        page.wait_for_function("image => image.complete && image.naturalWidth > 100", arg=picture.element_handle())


@pytest.mark.parametrize("claim", ["residual.residual_stream_doubles"])
def test_report_renders_its_formulas(page: Page, tmp_path: Path, claim: str) -> None:
    report = tmp_path / "report.html"
    command = [sys.executable, "paper_checks.py", "--only", claim, "--effort", "quick", "--html", str(report)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
    page.set_content(report.read_text(encoding="utf-8"))
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    formulas = page.locator("math")
    assert formulas.count() >= 5
    for formula in formulas.all():
        box = formula.bounding_box()
        assert box
        assert box["width"] > 5
        assert box["height"] > 5
    fraction_or_power = page.locator("math msup, math mfrac").first.bounding_box()
    assert fraction_or_power
    page.screenshot(path=SCREENSHOTS / "report.png", full_page=True)
