"""The parts of a lesson: replies to forms, figures with their numbers, drawings of several threads."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from marimo._runtime.control_flow import MarimoStopError

from figures.tools.table import Table, stacked
from lessons.tools import kit, show
from lessons.tools.exercise import Exercise
from lessons.tools.prose import Prose, typeset

WORDS = """<!-- labels -->
title: 7. Words
column n: width
never: not ever
always: each time

<!-- which never -->
Never.

<!-- which always -->
Always.

<!-- many close -->
Close.

<!-- many small -->
Small.

<!-- many large -->
Large.

<!-- one -->
Two?

<!-- one right -->
Two.

<!-- sources -->
- A. Author. *A title*, 2015.

<!-- curve -->
It ends at [[end]].

<!-- curve alt -->
"A line" that <b>ends</b> at [[end]].
"""


@pytest.fixture
def prose(tmp_path: Path) -> Prose:
    (tmp_path / "words.md").write_text(WORDS, encoding="utf-8")
    return Prose("words", tmp_path)


def _form(given: str | None, sent: bool = True, shown: bool = False) -> Any:
    return SimpleNamespace(value={"guess": {"field": given} if sent else None, "show": shown})


def _kinds(html: str) -> list[str]:
    return re.findall(r'role="status" data-reply="(\w+)"', html)


@pytest.mark.parametrize(
    ("given", "kind", "says"),
    [("never", "right", "Never."), ("always", "wrong", "Always."), (None, "unreadable", "Choose one")],
)
def test_choices_are_answered(given: str | None, kind: str, says: str, prose: Prose) -> None:
    shown = kit.choice_reply(prose, "which", _form(given), right="never").text
    assert _kinds(shown) == [kind]
    assert says in shown


@pytest.mark.parametrize(
    ("given", "kind", "says"),
    [("10", "right", "Close."), ("1", "wrong", "Small."), ("2^9", "wrong", "Large."), ("", "unreadable", "Write")],
)
def test_guesses_are_answered(given: str, kind: str, says: str, prose: Prose) -> None:
    shown = kit.guess_reply(prose, "many", _form(given), 10.0).text
    assert _kinds(shown) == [kind]
    assert says in shown


def test_nothing_is_said_of_what_was_not_sent(prose: Prose) -> None:
    unsent = _form(None, sent=False)
    with pytest.raises(MarimoStopError):
        kit.choice_reply(prose, "which", unsent, right="never")
    with pytest.raises(MarimoStopError):
        kit.guess_reply(prose, "many", unsent, 10.0)


def test_a_student_is_told_at_one_press_and_a_guess_goes_before(prose: Prose) -> None:
    shown = kit.guess_reply(prose, "many", _form(None, sent=False, shown=True), 10.0).text
    assert _kinds(shown) == ["told"]
    assert "<strong>10</strong>" in shown
    shown = kit.choice_reply(prose, "which", _form(None, sent=False, shown=True), right="never").text
    assert _kinds(shown) == ["told"]
    assert "not ever" in shown
    assert "Never." in shown
    assert _kinds(kit.guess_reply(prose, "many", _form("1", shown=True), 10.0).text) == ["wrong"]


def test_figures_wait_for_a_guess_or_for_the_press(prose: Prose) -> None:
    question = kit.ask(prose, "one")
    with pytest.raises(MarimoStopError):
        kit.wait(question)
    question._update({"guess": {"field": "1/0 or so"}})
    with pytest.raises(MarimoStopError):
        kit.wait(question)
    question._update({"show": 1})
    kit.wait(question)
    question = kit.ask_choice(prose, "one", ["never", "always"])
    question._update({"guess": {"field": "each time"}})
    kit.wait(question)
    assert question.value == {"guess": {"field": "always"}, "show": False}


def test_each_exercise_that_was_sent_has_its_reply(prose: Prose) -> None:
    those = [Exercise("one", lambda: 2)] * 3
    forms = kit.answers(prose, those)
    assert not _kinds(kit.exercises(prose, those, forms).text)
    forms[0]._update({"field": "2"})
    forms[2]._update({"field": "3"})
    assert _kinds(kit.exercises(prose, those, forms).text) == ["right", "wrong"]


def test_markup_in_an_answer_is_not_markup(prose: Prose) -> None:
    for given in ("<img src=x onerror=alert(1)>", "x`<b>`", "[a](javascript:alert(1))", "1<b>", "<b>,1,2"):
        shown = kit.guess_reply(prose, "many", _form(given), 10.0).text
        assert _kinds(shown) == ["unreadable"]
        assert not re.search(r"<(img|b|a)\b", shown)


def _table(rows: int) -> Table:
    return stacked({"n": "1", "size": "1"}, {"n": np.arange(rows), "size": np.arange(rows) + 0.5})


def _draw(table: Table, labels: Mapping[str, str]) -> Any:
    import matplotlib.pyplot as plt

    drawn, axes = plt.subplots()
    axes.plot(table["n"], table["size"])
    return drawn


@pytest.mark.parametrize("rows", [1, 2, 60, 61, 1000])
def test_a_figure_has_its_alternative_and_its_numbers_to_the_last(rows: int, prose: Prose) -> None:
    shown = show.panel(_table(rows), _draw, prose, "curve", end=rows - 0.5).text
    end = typeset(rows - 0.5)
    assert f'alt="&quot;A line&quot; that &lt;b&gt;ends&lt;/b&gt; at {end}."' in shown
    assert f"It ends at {end}." in shown
    assert '<th scope="col">width</th>' in shown
    cells = re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td></tr>", shown)
    assert len(cells) == min(rows, show.ROWS_SHOWN)
    assert cells[0] == ("0", "0.5")
    assert cells[-1] == (typeset(rows - 1, 4), typeset(rows - 0.5, 4))


@pytest.mark.slow
def test_only_one_thread_draws_at_a_time() -> None:
    drawing, most = 0, 0
    count = threading.Lock()

    def draw(table: Table, labels: Mapping[str, str]) -> Any:
        nonlocal drawing, most
        with count:
            drawing += 1
            most = max(most, drawing)
        time.sleep(0.02)
        picture = _draw(table, labels)
        with count:
            drawing -= 1
        return picture

    with ThreadPoolExecutor(4) as threads:
        pictures = list(threads.map(lambda _: show.picture(_table(9), draw, {}), range(12)))
    assert most == 1
    assert all(one.rstrip().endswith(b"</svg>") for one in pictures)
