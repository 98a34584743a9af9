"""Questions in front of a class: lists of guesses, counts of choices, and what is drawn and said of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lessons.tools import classroom, kit, show
from lessons.tools.language import LANGUAGES, speaking
from lessons.tools.prose import Prose
from lessons.tools.server import notebooks


@pytest.fixture(params=LANGUAGES)
def prose(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Prose]:
    for module in (kit, show):
        monkeypatch.setattr(module, "teaching", lambda: True)
    with speaking(request.param):
        yield Prose("he")


def _guesses(prose: Prose, given: str | None, truth: float = 2.0**30) -> str:
    question = kit.ask(prose, "depths question")
    kit.wait(question)
    if given is not None:
        question._update({"field": given})
    return kit.guess_reply(prose, "depths", question, truth, close=2).text


def _counts(prose: Prose, *given: str) -> str:
    question = kit.ask_choice(prose, "slopes question", ["plain", "modulus", "square"])
    kit.wait(question)
    if given:
        question._update(dict(zip(question.element.elements, given, strict=True)))
    return kit.choice_reply(prose, "slopes", question, right="square").text


def _caption(html: str) -> str:
    found = re.search(r"<figcaption.*?</figcaption>", html, re.S)
    assert found, "no figure"
    return re.sub("<.*?>|\\s", "", found[0])


def test_answers_are_folded_before_and_after_the_guesses(prose: Prose) -> None:
    for shown in (_guesses(prose, None), _guesses(prose, "1, 2"), _counts(prose), _counts(prose, "1", "", "2")):
        assert shown.count('<details class="answer">') == 1
        assert not re.search(r"<details[^>]* open", shown)
    assert _guesses(prose, None).count("1.07 × 10⁹") == 4, "the truth, and in what is said of three kinds of guess"
    assert _counts(prose).count("<dt>") == 3


def test_guesses_become_a_histogram_over_the_truth(prose: Prose) -> None:
    shown = _guesses(prose, "30, 60, 1e6, 2^30, 0.6e9")
    caption = _caption(shown)
    assert "<figure" in shown
    assert caption.startswith(("5guesses", "共5"))
    for number in ("30", "1.07×10⁹", "10⁶"):
        assert number in caption.replace(",", "").replace("1000000", "10⁶")
    assert "2camewithinafactorof2" in caption or "有2个与它相差不到2倍" in caption
    assert 'data-save="he_depths_class.svg"' in shown


def test_counts_become_bars(prose: Prose) -> None:
    shown = _counts(prose, "12", "７", "")
    assert _caption(shown).startswith(("0of19", "19人中有0人"))
    assert "he_slopes_class.svg" in shown


@pytest.mark.parametrize(
    ("given", "entry"), [("2, abc, 3", "abc"), ("1,000, 2", None), ("", None), ("1, 1/0", "1/0"), ("1; 2 3", "2 3")]
)
def test_a_bad_list_shows_no_figure_and_says_which_entry(prose: Prose, given: str, entry: str | None) -> None:
    shown = _guesses(prose, given)
    assert 'data-reply="unreadable"' in shown
    assert "<figure" not in shown
    assert entry is None or f"<code>{entry}</code>" in shown


@pytest.mark.parametrize("given", ["1 x 2", "1 -1 2", "1.5 1 1", "- - -", "1,2 1 1"])
def test_bad_counts_show_no_figure(prose: Prose, given: str) -> None:
    shown = _counts(prose, *("" if one == "-" else one for one in given.split()))
    assert 'data-reply="unreadable"' in shown
    assert "<figure" not in shown


@pytest.mark.parametrize("given", ["<img src=x onerror=alert(1)>, 2", "x`<b>`, 1", "[a](javascript:alert(1)), 1"])
def test_markup_in_an_entry_is_not_markup(prose: Prose, given: str) -> None:
    assert not re.search(r"<(img|b|a)\b", _guesses(prose, given).partition("<details")[0])


@pytest.mark.parametrize(
    ("guesses", "truth", "wide"),
    [
        ([5, 5], 5, False), ([1, 10, 29], 5, False), ([1, 31], 5, True), ([0, -3, 1e9], 2, True), ([-4, 0], 1, False),
        ([1e-300, 1e300], 1, True), ([1.7e308, -1.7e308], 1e30, True), ([5e-324], 20, False),
    ],
)  # fmt: skip
def test_bins_hold_truth_and_guesses_and_can_be_drawn(guesses: list[float], truth: float, wide: bool) -> None:
    edges, logarithmic = classroom.bins(np.clip(guesses, -1e60, 1e60), truth)
    assert logarithmic == wide
    assert edges[0] <= truth * (1 + 1e-9)
    assert truth <= edges[-1] * (1 + 1e-9)
    with speaking("en"):
        prose = Prose("he")
        shown = classroom.guesses_reply(prose, "depths", ", ".join(map(repr, guesses)), truth, 2).text
    assert "<figure" in shown


def _choices() -> Iterator[tuple[str, list[str]]]:
    """Yield the name of a lesson's prose and the options of each of its questions."""
    for name, path in notebooks().items():
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "kit.ask_choice":
                yield name.partition("_")[2], ast.literal_eval(call.args[2])


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_answers_of_every_question_can_be_drawn(language: str) -> None:
    """Matplotlib reads their formulas and has their glyphs, or warns."""
    for name, options in _choices():
        given = {one: str(place) for place, one in enumerate(options)}
        with speaking(language):
            prose = Prose(name)
            assert "<figure" in classroom._of_counts(prose, "question", given, options[0]).text


def test_a_lesson_is_for_a_class_only_where_its_address_says_so() -> None:
    from lessons.tools.language import teaching

    assert not teaching()
    assert "teach" in Path(classroom.__file__).with_suffix(".js").read_text(encoding="utf-8")
