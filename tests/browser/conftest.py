"""A server, a browser, and pages that fail on console errors and on any request that leaves the machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[2]
SCREENSHOTS = Path(__file__).with_name("screenshots")
CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def pytest_sessionstart() -> None:
    """Say what is missing before anything fails for it."""
    if CHROMIUM is None:
        pytest.exit("no Chromium on this machine; install it (Debian: apt-get install chromium)", returncode=2)


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Serve the lessons, and return their address."""
    command = [sys.executable, "-m", "lessons"]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
        assert found, "the server printed no address"
        yield found[0]
        server.terminate()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """Open a page whose errors and foreign requests fail the test."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page, troubles = context.new_page(), list[str]()
        watch(page, address, troubles)
        yield page
        assert not troubles


def watch(page: Page, address: str, troubles: list[str]) -> None:
    """Collect errors and requests to other addresses."""
    own = (address, address.replace("http", "ws", 1), "data:", "blob:")
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(own) else troubles.append(request.url))
    page.on("websocket", lambda socket: None if socket.url.startswith(own) else troubles.append(socket.url))


def shot(page: Page, name: str) -> None:
    """Keep a screenshot of the whole lesson, for people to look at."""
    SCREENSHOTS.mkdir(exist_ok=True)
    size = page.viewport_size
    page.set_viewport_size({"width": 1100, "height": 8000})
    page.wait_for_timeout(700)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
    assert size
    page.set_viewport_size(size)
