"""Lessons as pages that ask nobody for anything."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from urllib.parse import unquote

import pytest

from lessons.__main__ import main
from lessons.tools import paper, static
from lessons.tools.language import LANGUAGES, speaking, spoken
from lessons.tools.prose import Prose, common
from lessons.tools.server import notebooks

REQUEST = re.compile(
    r"""(?:src|href|action|data)\s*=\s*["'](?!data:|#)|url\((?!["']?(?:data:|#))|@import|<link(?! rel="icon")"""
)
"""What makes a browser ask someone for something. Names of MathML and SVG are addresses, too, that it does not ask."""


def _requests(page: str) -> list[str]:
    """Return what a page asks others for, in its pictures, too."""
    return REQUEST.findall(unquote(page))


@pytest.fixture
def drawn_once() -> Iterator[None]:
    """Let every figure be drawn once."""
    before = paper.MOST.set(1)
    yield
    paper.MOST.reset(before)


def _setting(value: float, *, stop: int = 10, names: bool = False) -> paper.Setting:
    with speaking("en"):
        if names:
            return paper.choice(Prose("one_layer"), "weights", ["normal", "uniform", "signs"], "uniform")
        return paper.slider(Prose("one_layer"), "fan-in", 0, stop, value)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "language"), list(zip(notebooks(), cycle(LANGUAGES), strict=False)))
@pytest.mark.usefixtures("drawn_once")
def test_every_lesson_is_a_page_that_asks_nobody(name: str, language: str) -> None:
    page = static.page(notebooks()[name], language)
    assert not _requests(page)
    assert len(page.encode()) < static.LARGEST / 5, "the text and one state of each figure"
    assert page.count("<figure>") >= 2
    assert page.count('<details class="answer">') >= 5
    assert page.count('<details class="evidence">') >= 1
    assert page.count('<details class="derivation">') >= 2
    text = re.sub(
        r"<script.*?</script>|<style.*?</style>|<math.*?</math>|<img.*?>|<code>.*?</code>", "", page, flags=re.S
    )
    assert not re.search(r"FORMULA\d|\[\[\w+\]\]|\$|<marimo|\bnan\b", text)
    assert common(language).label("show me") in text
    assert (common("en").label("show me") in text) == (language == "en")


@pytest.mark.parametrize(
    "text",
    [
        '<img src="https://a.b/c.png">',
        '<link href="x.css">',
        "<style>@import 'x'</style>",
        "a { background: url(x.png) }",
    ],
)
def test_the_search_for_requests_finds_them(text: str) -> None:
    assert _requests(text)


@pytest.mark.slow
def test_a_lesson_has_every_state_of_every_figure() -> None:
    before = paper.MOST.set(4)
    page = static.page(notebooks()["2_one_layer"], "en")
    paper.MOST.reset(before)
    assert not _requests(page)
    blocks = re.findall(r'data-places="(.*?)">.*?<script type="text/plain">(.*?)</script>', page, re.S)
    assert len(blocks) == 4
    for places, packed in blocks:
        states = json.loads(zlib.decompress(base64.b64decode(packed)))
        assert len(states) == len(set(states)), "two positions with the same figure"
        assert not any(_requests(one) for one in states)
        many = 1
        for number, positions in json.loads(places):
            assert f'data-setting="{number}"' in page
            many *= positions
        assert len(states) == many
        assert 3 <= many <= 4


def test_positions_end_at_the_ends_and_hold_the_value() -> None:
    alone = _setting(3)
    paper.spread([alone])
    assert (alone.values[0], alone.values[-1], len(alone.values)) == (0, 10, 9)
    assert 3 in alone.values
    some = [_setting(3), _setting(0), _setting(10), _setting(0, names=True)]
    paper.spread(some)
    assert [len(one.values) for one in some] == [2, 2, 2, 3]
    assert all(one.value in one.values for one in some)
    many = [_setting(5) for _ in range(6)]
    paper.spread(many)
    assert [len(one.values) for one in many] == [2, 2, 2, 2, 1, 1]


def test_a_cell_returns_what_it_shows_and_what_it_defines(tmp_path: Path) -> None:
    notebook = tmp_path / "lesson_1_x.py"
    notebook.write_text(
        "with app.setup:\n    y = 2\n\n@app.cell(hide_code=True)\ndef _(x):\n    z = x + y\n    -z\n    return (z,)\n\n"
        "@app.cell\ndef _():\n    kit.until_pressed(None)\n    return\n\n@app.function\ndef test(): pass\n"
    )
    (names, cell), (_, pressed) = static.cells(notebook)
    assert (names, cell(x=3)) == (["x"], (-5, {"z": 5}))
    with pytest.raises(paper.SkippedError):
        pressed()


def test_formulas_become_mathml_and_the_language_is_given_back() -> None:
    html = paper.markdown("of *size* $x_1 * y_1$ and\n\n$$\\frac{1}{2}$$")
    assert html.count("<math") == 2
    assert "<em>size</em>" in html
    assert "<mfrac>" in html
    with speaking("zh"):
        assert spoken() == "zh"
    assert spoken() == "en"


def test_a_page_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static, "page", lambda notebook, language: "x" * (static.LARGEST + 1))
    with pytest.raises(ValueError, match="5,000,001 bytes"):
        static.export(notebooks()["2_one_layer"], tmp_path, "en")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit, match="2"):
        main(["--export", str(tmp_path / "file")])
    assert re.fullmatch(r"error: .*file.*\n", capsys.readouterr().err)
