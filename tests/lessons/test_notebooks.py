"""Every lesson, whole: words that are there, sliders that work to their ends, evidence that refutes, right answers."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import marimo as mo
import pytest

import lessons
from figures.tools.table import Table
from lessons import experiments
from lessons.experiments import fixup, undrawn
from lessons.tools import kit, show
from lessons.tools.exercise import Exercise
from lessons.tools.formulas import read
from lessons.tools.language import LANGUAGES
from lessons.tools.prose import FOLDER, PLACE, Prose, common
from lessons.tools.server import notebooks, title

pytestmark = pytest.mark.slow

NAMES = list(notebooks())
EVERY = pytest.mark.parametrize("name", NAMES, scope="module")
"""Over a module, tests of one lesson run after each other, and find what the others of it measured and drew."""
ENDS = {"alt", "right", "close", "small", "large"}
"""What `kit` and `exercise` add to the name of a section."""
ELEMENTS = (mo.ui.slider, mo.ui.radio, mo.ui.batch, mo.ui.array, mo.ui.run_button)


def _prose(name: str) -> Prose:
    return Prose(name.partition("_")[2])


def _files(name: str) -> list[str]:
    folder = Path(lessons.__file__).parent
    paths = (folder / f"lesson_{name}.py", folder / "experiments" / f"{name.partition('_')[2]}.py")
    return [path.read_text(encoding="utf-8") for path in paths]


def _experiment(name: str) -> Any:
    return import_module(f"lessons.experiments.{name.partition('_')[2]}")


def _run(name: str, **given: Any) -> tuple[list[str], dict[str, Any]]:
    """Run a notebook with some of its elements given, and return what it shows and its elements."""
    outputs, definitions = import_module(f"lessons.lesson_{name}").app.run(defs=given)
    shown = [one.text for one in outputs if hasattr(one, "text")]
    return shown, {key: definitions[key] for key in definitions if isinstance(definitions[key], ELEMENTS)}


@cache
def _answered(name: str) -> dict[str, Any]:
    """Send every question a guess, until no more appear, and return all elements."""
    elements: dict[str, Any] = {}
    while True:
        _, found = _run(name, **elements)
        new = {key: one for key, one in found.items() if key not in elements}
        if not new:
            return elements
        for one in new.values():
            if isinstance(one, mo.ui.batch):
                batch: Any = one.elements["guess"]
                field = batch.element.elements["field"]
                answer = next(iter(field.options)) if isinstance(field, mo.ui.radio) else "2"
                one._update({"guess": {"field": answer}})
        elements |= new


def _uses(name: str) -> set[str]:
    """Return all texts that appear as literals in a lesson's files."""
    nodes = [node for file in _files(name) for node in ast.walk(ast.parse(file))]
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


@pytest.fixture(autouse=True, scope="module")
def _each_experiment_and_picture_once() -> Iterator[None]:
    """Measure and draw once for the same arguments: tests run every notebook a dozen times, a slider apart."""
    known: dict[object, bytes] = {}
    drawn = show.picture

    def picture(table: Table, draw: Callable[[Table, Mapping[str, str]], Any], labels: Mapping[str, str]) -> bytes:
        key = table.csv(), draw, tuple(labels.items())
        if key not in known:
            known[key] = drawn(table, draw, labels)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(show, "picture", picture)
        for info in pkgutil.iter_modules(experiments.__path__, f"{experiments.__name__}."):
            for name, function in inspect.getmembers(import_module(info.name), inspect.isfunction):
                if function.__module__ == info.name and _finds(function.__annotations__):
                    patch.setattr(function.__module__ + "." + name, cache(function))
        yield


def _finds(annotations: Mapping[str, str]) -> bool:
    """Whether a function takes numbers and words and returns what it found, which nobody changes."""
    *given, found = annotations.values() or ("",)
    return set(given) <= {"int", "float", "str"} and bool(re.search("Table|Report|^float$", found))


def test_lessons_are_in_order() -> None:
    assert [int(name.partition("_")[0]) for name in NAMES] == list(range(1, len(NAMES) + 1))
    assert len(NAMES) >= 10


@EVERY
def test_title_is_the_prose_s(name: str) -> None:
    assert title(notebooks()[name]) == _prose(name).label("title")
    assert f"# {_prose(name).label('title')}" in _prose(name).text("question")


@EVERY
def test_every_section_of_the_prose_is_used(name: str) -> None:
    literals = _uses(name) | {"labels", "teacher", "question", "sources"}
    shown = literals | {f"{key} {end}" for key in literals for end in literals | ENDS}
    assert not _prose(name).sections.keys() - shown, "sections that are never shown"


@EVERY
def test_teacher_s_notes_say_what_is_asked_of_them(name: str) -> None:
    notes = _prose(name).text("teacher")
    for wanted in ("Assumes", "One idea", "Time", "Common wrong answers"):
        assert wanted.lower() in notes.lower(), f"{wanted!r} is missing"


@EVERY
def test_exercises_accept_the_truth_and_answer_misconceptions(name: str) -> None:
    exercises: tuple[Exercise, ...] = _experiment(name).EXERCISES
    assert len(exercises) == 3
    for one in exercises:
        for key, answer in {"right": one.truth, **one.misconceptions}.items():
            said = one.judged([float(answer(**values)) for values in one.at], _prose(name))
            kind = "right" if key == "right" else "wrong"
            assert (said.kind, said.text) == (kind, _prose(name).text(f"{one.key} {key}"))
        assert one.check("12345.678", _prose(name)).kind == "wrong"
        assert one.check("0", _prose(name)).kind == "wrong"
        for variable in one.variables:
            assert [read(variable, one.variables)(values) for values in one.at] == [at[variable] for at in one.at]
        for key in (one.key, f"{one.key} right", *(f"{one.key} {wrong}" for wrong in one.misconceptions)):
            assert _prose(name).text(key)


@EVERY
def test_nothing_is_shown_before_a_guess(name: str) -> None:
    shown, _ = _run(name)
    assert not any("<figure" in one for one in shown)
    assert any("Your guess first" in one for one in shown)


@EVERY
def test_in_front_of_a_class_every_figure_is_open_and_answers_are_folded(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (kit, show):
        monkeypatch.setattr(module, "teaching", lambda: True)
    shown = "".join(_run(name)[0])
    cells = _files(name)[0].split("@app.cell")
    assert shown.count("<figure") == shown.count("data-full>") == sum("show.panel" in cell for cell in cells)
    assert shown.count('<details class="answer">') == sum("kit.ask" in cell for cell in cells) + 3
    assert "data-reply" not in shown
    assert "Your guess first" not in shown


def _panel_in_every_language(
    table: Table, draw: Callable[[Table, Mapping[str, str]], Any], prose: Prose, key: str, **values: object
) -> mo.Html:
    """Show a panel, after drawing it in the other languages, where a glyph that no font has is a warning."""
    for language in LANGUAGES.keys() - {prose.language}:
        show.picture(table, draw, Prose(prose.name, language=language).labels)
    return PANEL(table, draw, prose, key, **values)


PANEL = show.panel


@pytest.mark.parametrize("end", ["default", "start", "stop"])
@EVERY
def test_sliders_work_to_their_ends(name: str, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if end == "default":
        monkeypatch.setattr(show, "panel", _panel_in_every_language)
    elements = _answered(name)
    before = {key: one.value for key, one in elements.items() if isinstance(one, mo.ui.slider)}
    assert before, "no sliders"
    try:
        for key in before:
            elements[key]._update(before[key] if end == "default" else getattr(elements[key], end))
        _look_at(_run(name, **elements)[0])
    finally:
        for key, value in before.items():
            elements[key]._update(value)


@EVERY
def test_every_choice_works(name: str) -> None:
    elements = _answered(name)
    for one in elements.values():
        if isinstance(one, mo.ui.radio):
            before = next(key for key, value in one.options.items() if value == one.value)
            for option in one.options.keys() - {before}:
                one._update(option)
                _look_at(_run(name, **elements)[0])
            one._update(before)


def _look_at(shown: list[str]) -> None:
    """Check that there are figures, each with an alternative, a caption and its numbers, all of them finite."""
    figures = [one for one in shown if "<figure" in one]
    assert len(figures) >= 2
    for one in figures:
        alt, caption = (
            re.search(r'alt="([^"]{40,})"', one),
            re.search(r"<figcaption.*?>(.{20,})</figcaption>", one, re.S),
        )
        assert alt, "no alternative text"
        assert caption, "no caption"
        assert "<details>" in one
        for text in (alt[1], re.sub("<.*?>", " ", caption[1])):
            assert not re.search(r"\b(nan|inf)\b|\[\[", text, re.IGNORECASE), text


@EVERY
def test_wrong_statements_are_refuted(name: str) -> None:
    elements = _answered(name)
    buttons = {key: one for key, one in elements.items() if isinstance(one, mo.ui.run_button)}
    assert buttons, "no statement is put to the test"
    for button in buttons.values():
        button._value = True
    try:
        shown, _ = _run(name, **elements)
    finally:
        for button in buttons.values():
            button._value = False
    tables = [one for one in shown if re.search("<th[^>]*>verdict</th>", one)]
    assert len(tables) == len(buttons)
    for one in tables:
        assert _verdicts(one) == ["held", "refuted"]


def _verdicts(table: str) -> list[str]:
    """Return what the last column says, row by row."""
    return re.findall(r"<td[^>]*>(\w+)</td>\s*</tr>", table)


ON_OFFER = [
    *((fixup.SCALE, mutant) for mutant in fixup.RULES.values()),
    *fixup.STATEMENTS.values(),
    *fixup.KEPT.values(),
    *undrawn.STATEMENTS.values(),
]
"""Claims and their wrong versions among which a student chooses."""


@pytest.mark.parametrize(("claim", "mutant"), ON_OFFER)
def test_every_statement_on_offer_is_refuted(claim: str, mutant: str) -> None:
    assert _verdicts(kit.refuted(SimpleNamespace(value=1), claim, mutant).text) == ["held", "refuted"]


def test_every_common_section_and_label_is_used() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in Path(lessons.__file__).parent.rglob("*.py"))
    for name in (*common("en").sections, *common("en").labels):
        stem = re.sub(r" \w+$", " ", name)
        assert f'"{name}"' in sources or f'"{stem}' in sources or f"'{stem}" in sources, f"{name!r} is never shown"


def test_prose_is_all_that_is_in_its_folder() -> None:
    assert {path.stem for path in (FOLDER / "en").glob("*.md")} == {_prose(name).name for name in NAMES} | {
        "common",
        "teacher",
    }


def test_places_are_words() -> None:
    for path in FOLDER.rglob("*.md"):
        text = path.read_text(encoding="utf-8")
        assert len(PLACE.findall(text)) == text.count("[["), f"{path.name} has a place that is not a word"
