"""The server: pages, names it answers to, ports."""

from __future__ import annotations

import html
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from claims import links
from lessons.tools import pages
from lessons.tools.prose import common
from lessons.tools.server import notebooks

pytestmark = pytest.mark.slow

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "lessons", *arguments]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with subprocess.Popen(_command(), cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, line
        yield found[0]
        server.terminate()


def _get(url: str, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_report_is_linked_by_what_it_is() -> None:
    assert common("en").label("no report") in pages.index({}, report=False)
    assert common("en").label("report link") in pages.index({}, report=True)


def test_index_links_everything(address: str) -> None:
    status, page = _get(address)
    assert status == 200
    links = re.findall(r'href="(/[^"]*)"', page)
    assert len([link for link in links if link.startswith("/lesson/")]) == len(notebooks())
    assert {"/teacher", "/gallery", "/report"} <= {link.partition("?")[0] for link in links}
    for link in links:
        assert _get(address + link)[0] in {200} | ({404} if link.startswith("/report") else set()), link


def test_a_teacher_s_index_leads_to_lessons_for_a_class_in_its_language_and_back(address: str) -> None:
    _, page = _get(f"{address}/?language=zh&teach=1")
    lessons = re.findall(r'href="(/lesson/[^"]*)"', page)
    assert len(lessons) == len(notebooks())
    assert all(link.endswith("/?language=zh&amp;teach=1") for link in lessons)
    assert 'href="?language=en&amp;teach=1"' in page
    assert 'href="/?language=zh"' in page
    assert 'href="/?language=en&amp;teach=1"' in _get(f"{address}/?language=en")[1]
    request = urllib.request.Request(f"{address}/lesson/4_he/?teach=1")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.url == f"{address}/lesson/4_he/?teach=1&language=en"


def test_every_lesson_of_the_index_has_a_picture_an_idea_and_its_time(address: str) -> None:
    _, page = _get(address)
    cards = re.findall(r'<li value="\d+">.*?</li>', page)
    assert len(cards) == len(notebooks())
    for place, card in enumerate(cards, start=1):
        assert html.escape(common("en").label(f"idea {place}")) in card
        assert re.search(r">\d\d minutes<", card)
        picture = re.search(r'src="([^"]+)"', card)
        assert picture
        assert _get(address + picture[1])[0] == 200


def test_what_the_report_links_is_found(address: str) -> None:
    for one in (*map(links.picture, links.FIGURES), *map(links.notebook, links.LESSONS)):
        assert _get(f"{address}/{one}")[0] == 200, one


def test_a_page_is_in_the_language_of_its_address_of_the_last_choice_or_of_the_browser(address: str) -> None:
    chinese = '<html lang="zh-Hans">'
    lesson = "/lesson/6_residual_streams/"
    for path in ("/", "/gallery", lesson):
        assert chinese not in _get(address + path)[1]
        assert chinese not in _get(f"{address}{path}?language=en", Cookie="language=zh")[1]
        assert chinese in _get(f"{address}{path}?language=zh", Cookie="language=en")[1]
    assert chinese in _get(address, Cookie="language=zh")[1]
    assert chinese in _get(address, **{"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"})[1]
    page = _get(address + lesson, Cookie="language=zh")[1]
    assert chinese in page
    assert page.count("6. 残差流") >= 2, "the title of the page and of the notebook"
    assert "Residual streams" not in page


def test_only_a_choice_is_kept(address: str) -> None:
    """A link within one language chooses nothing, or `--language` would be without effect the next time."""
    cases = {
        ("/", ""): False,
        ("/?language=en", ""): False,
        ("/?language=zh", ""): True,
        ("/?language=en", "language=zh"): True,
        ("/?language=zh", "language=zh"): False,
    }
    for (path, cookie), kept in cases.items():
        request = urllib.request.Request(address + path, headers={"Cookie": cookie})
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert bool(answer.headers["Set-Cookie"]) == kept, (path, cookie)


def test_the_command_chooses_for_those_who_have_not() -> None:
    with subprocess.Popen(_command("--language", "zh"), cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
            assert found
            assert '<html lang="zh-Hans">' in _get(found[0], **{"Accept-Language": "en"})[1]
            assert '<html lang="en">' in _get(found[0], Cookie="language=en")[1]
        finally:
            server.terminate()


def test_a_language_that_is_not_there_is_refused() -> None:
    done = subprocess.run(_command("--language", "xx"), cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert re.fullmatch(r"error: argument --language: .*'en', 'zh'.*\n", done.stderr)


def test_the_report_s_headings_are_translated_and_its_claims_are_not() -> None:
    page = "<h2>Papers</h2><p>Papers of a claim.</p><td>Papers</td>"
    assert pages.report(page, "en") == page
    assert pages.report(page, "zh") == "<h2>论文</h2><p>Papers of a claim.</p><td>论文</td>"


def test_teacher_s_page_has_every_lesson(address: str) -> None:
    _, page = _get(f"{address}/teacher")
    assert page.count("<h2>") >= 9 + 3


def test_pictures_of_the_gallery_are_served(address: str) -> None:
    _, page = _get(f"{address}/gallery")
    pictures = re.findall(r'<img[^>]*src="(/figures/pictures/[^"]+)"', page)
    assert len(pictures) >= 20
    assert _get(address + pictures[0])[0] == 200


def test_other_hosts_names_are_refused(address: str) -> None:
    assert _get(address, Host="evil.example")[0] == 400


def _socket(address: str) -> str:
    return f"{address.replace('http', 'ws', 1)}/lesson/1_starting_point/ws?session_id=s_tests"


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1"])
def test_pages_of_other_sites_are_refused(address: str, origin: str) -> None:
    assert _get(address, Origin=origin)[0] == 403
    assert _get(f"{address}/lesson/1_starting_point/", Origin=origin)[0] == 403
    with pytest.raises(InvalidStatus, match="403"):
        connect(_socket(address), additional_headers={"Origin": origin})


def test_own_pages_are_not_refused(address: str) -> None:
    assert _get(f"{address}/lesson/1_starting_point/", Origin=address)[0] == 200
    with connect(_socket(address), additional_headers={"Origin": address}) as lesson:
        assert "kernel-ready" in str(lesson.recv(timeout=60))


def test_only_the_loopback_address_is_bound(address: str) -> None:
    """All of 127.0.0.0/8 is this machine, so that a server bound to all addresses answers at 127.0.0.2 too."""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", int(address.rpartition(":")[2])), timeout=5)


def test_an_interrupt_ends_it_without_a_word() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen(_command(), cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
        assert found
        with connect(_socket(found[0])) as lesson:
            assert "kernel-ready" in str(lesson.recv(timeout=60))
            server.send_signal(signal.SIGINT)
            try:
                assert server.wait(20) == 0
            finally:
                server.kill()
        assert server.stderr.read() == ""


@pytest.mark.parametrize("library", ["marimo", "uvicorn", "markdown"])
def test_a_missing_library_is_named(library: str) -> None:
    code = f"import sys; sys.modules[{library!r}] = None; from lessons.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(rf"error: the lessons need {library}; .*make lessons.*\n", done.stderr)


def test_nothing_outside_is_served(address: str) -> None:
    for path in ("/figures/pictures/../../README.md", "/figures/pictures/%2e%2e/README.md", "/lesson/nothing/"):
        assert _get(address + path)[0] == 404


def test_a_port_in_use_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(_command("--port", str(port)), cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert re.fullmatch(rf"error: port {port} .* in use .*--port\n", done.stderr)


def test_without_a_port_the_next_free_one_is_taken(address: str) -> None:
    from lessons.__main__ import FIRST_PORT, _listener

    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", FIRST_PORT))
            taken.listen()
        except OSError:
            pass  # someone else has it, which is as good
        listener = _listener(None)
        assert listener is not None
        with listener:
            assert listener.getsockname()[1] > FIRST_PORT


@pytest.mark.parametrize("port", ["0", "70000", "-1", "x"])
def test_no_port_is_said_to_be_none(port: str) -> None:
    done = subprocess.run(_command("--port", port), cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
