"""What notebooks ask: words, sliders, questions and their replies, exercises, statements put to the test."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from typing import Any

import marimo as mo

from claims.catalogue import REGISTRY
from claims.examine import share_of_alpha
from claims.run import Run
from evidence import Finding
from lessons.tools import classroom
from lessons.tools.exercise import Exercise, Reply, guessed
from lessons.tools.formulas import FormulaError, read
from lessons.tools.language import query, switch, teaching
from lessons.tools.prose import Prose, common, translated, typeset
from lessons.tools.show import reply
from simulations import digits


def words(prose: Prose, section: str, **values: object) -> mo.Html:
    """Show a section of the prose."""
    return mo.md(prose.text(section, **values))


def opening(prose: Prose) -> mo.Html:
    """Begin a lesson: the ways to its other language and in front of a class, and the section `question`."""
    said, teach = prose.common, teaching()
    links = switch(prose.language, said.label("language"), teach)
    other = f'<a href="{query(prose.language, not teach)}">{escape(said.label("student" if teach else "teach"))}</a>'
    forget = "" if teach else f'<button type="button" data-forget>{escape(said.label("forget"))}</button>'
    keys = mo.md(said.text("keys")).text if teach else ""
    return mo.vstack([mo.Html(f'<div class="ways">{links}{other}{forget}</div>{keys}'), words(prose, "question")])


def slider(prose: Prose, name: str, start: float, stop: float, value: float, step: float = 1) -> Any:
    """Return a slider named by the prose, which also takes its number from the keyboard."""
    label = prose.label(name)
    return mo.ui.slider(start, stop, step, value=value, label=label, show_value=True, full_width=True)


def seed() -> Any:
    """Return the slider that draws other weights."""
    return mo.ui.slider(0, 20, 1, value=0, label=common().label("seed"), show_value=True, full_width=True)


def choice(prose: Prose, name: str, options: Sequence[str], value: str) -> Any:
    """Return a choice among named options; the prose has a label for each."""
    return mo.ui.radio({prose.label(one): one for one in options}, value=prose.label(value), label=prose.label(name))


def ask(prose: Prose, key: str) -> Any:
    """Return the question `key` with a field for a guess, which is None until it is sent, and a way around it."""
    if teaching():
        return _form(prose, key, classroom.guesses(prose), "look")
    field = mo.ui.text(label=prose.common.label("guess"), full_width=False, debounce=False)
    return _or_show(prose, key, _form(prose, key, {"field": field}, "look"))


def ask_choice(prose: Prose, key: str, options: Sequence[str]) -> Any:
    """Return the question `key` with options to choose from; the prose has a label for each option."""
    if teaching():
        return _form(prose, key, classroom.counts(prose, options), "look")
    field = mo.ui.radio({prose.label(one): one for one in options})
    return _or_show(prose, key, _form(prose, key, {"field": field}, "look"))


def _form(prose: Prose, key: str, fields: Mapping[str, Any], button: str) -> Any:
    """Return the question `key` with fields and a button below it; the browser keeps what is sent."""
    question = prose.text(key).replace("{", "{{").replace("}", "}}")  # which marimo would fill
    places = "\n\n".join(f"{{{name}}}" for name in fields)
    return (
        mo.md(f"{question}\n\n{places}{_kept(key)}")
        .batch(**fields)
        .form(submit_button_label=prose.common.label(button))
    )


def _kept(key: str) -> str:
    """Return the mark by which `answers.js` knows what to keep over a reload."""
    return f'<span hidden data-kept="{key}"></span>'


def _or_show(prose: Prose, key: str, form: Any) -> Any:
    """Put a button below a form that shows the figure without a guess."""
    label = f"{escape(prose.common.label('show me'))}{_kept(f'{key} shown')}"
    show = mo.ui.button(value=False, on_click=lambda _: True, label=label)
    return mo.Html('<div>{guess}<div style="padding-top:.7rem">{show}</div></div>').batch(guess=form, show=show)


def sent(form: Any) -> str | None:
    """Return what was sent by a form, or None."""
    return None if form.value is None else form.value["field"]


def wait(form: Any, silent: bool = False) -> None:
    """End the cell with a request for a guess (or silently), unless one that can be read was sent or none is needed."""
    if teaching() or form.value["show"]:
        return
    guess = form.elements["guess"]
    given = sent(guess)
    try:
        if given is not None and isinstance(guess.element.elements["field"], mo.ui.text):
            read(given)
    except FormulaError:
        given = None
    mo.stop(given is None, None if silent else mo.md(common().text("wait")))


def guess_reply(prose: Prose, key: str, form: Any, truth: float, close: float = 1.25) -> mo.Html:
    """Answer a guessed number, once it is sent, or tell it; in front of a class answer its guesses."""
    if teaching():
        return classroom.guesses_reply(prose, key, sent(form), float(truth), close)
    given = form.value["guess"]
    mo.stop(given is None and not form.value["show"])
    if given is None:
        return reply(Reply("told", f"**{typeset(float(truth))}**"))
    return reply(guessed(given["field"], float(truth), prose, key, close))


def choice_reply(prose: Prose, key: str, form: Any, right: str) -> mo.Html:
    """Answer a choice, once it is sent, by the section `key OPTION`, or tell it; so, too, in front of a class."""
    if teaching():
        return classroom.counts_reply(prose, key, list(form.element.elements), form.value, right)
    given = form.value["guess"]
    mo.stop(given is None and not form.value["show"])
    if given is None:
        return reply(Reply("told", f"**{prose.label(right)}**\n\n{prose.text(f'{key} {right}')}"))
    chosen = given["field"]
    if chosen is None:
        return reply(Reply("unreadable", prose.common.text("no choice")))
    return reply(Reply("right" if chosen == right else "wrong", prose.text(f"{key} {chosen}")))


def answers(prose: Prose, exercises: Sequence[Exercise]) -> Any:
    """Return a form for every exercise, with its question and a field for the answer."""
    field = mo.ui.text(label=prose.common.label("answer"), full_width=False, debounce=False)
    return mo.ui.array([_form(prose, one.key, {"field": field}, "check") for one in exercises])


def exercises(prose: Prose, those: Sequence[Exercise], forms: Any) -> mo.Html:
    """Show the exercises, each with the reply to the answer that was sent.

    A place is kept for each reply: the browser knows the fields by their places, and one that moved would show what is
    typed into the next.
    """
    parts = [mo.md(f"## {prose.common.label('exercises')}")]
    for one, form in zip(those, forms, strict=True):
        parts += [form, mo.Html("<div></div>") if form.value is None else reply(one.check(sent(form), prose))]
        if teaching():
            parts.append(classroom.exercise_answer(one, prose))
    return mo.vstack(parts)


def controls(said: mo.Html, *widgets: Any) -> mo.Html:
    """Put words above sliders and choices, two beside each other, so that the figure below stays in sight."""
    pairs = [widgets[start : start + 2] for start in range(0, len(widgets), 2)]
    rows = [mo.hstack(list(pair), widths="equal", gap=2, align="start") for pair in pairs]
    return mo.vstack([said, *rows])


def below(*parts: Any) -> mo.Html:
    """Put parts below each other."""
    return mo.vstack(list(parts))


def box(prose: Prose, key: str) -> mo.Html:
    """Show a statement that is often made, and wrong."""
    return mo.callout(mo.md(f"### {prose.common.label('often wrong')}\n\n{prose.text(key)}"), kind="danger")


def closing(prose: Prose, those: Sequence[Exercise], forms: Any) -> mo.Html:
    """Close a lesson: its exercises with their replies (`exercises`), and the section `sources`."""
    come_from = mo.md(f"## {prose.common.label('sources')}\n\n{prose.text('sources')}")
    return below(exercises(prose, those, forms), come_from)


def press(prose: Prose, name: str) -> Any:
    """Return a button for something slow, whose value is how often it was pressed."""
    return mo.ui.button(value=0, on_click=lambda times: times + 1, label=prose.label(name))


def until_pressed(button: Any) -> None:
    """End the cell, unless the button was pressed."""
    mo.stop(not button.value)


def progress(prose: Prose, name: str, total: int) -> Any:
    """Return a progress bar, to be entered by `with`; its `update` says that one of `total` parts is done."""
    return mo.status.progress_bar(total=total, title=prose.label(name), remove_on_exit=True)


def refute() -> Any:
    """Return the button that puts a statement to the test."""
    return mo.ui.run_button(label=common().label("refute"))


def refuted(button: Any, claim_id: str, mutant: str, seed: int = 0) -> mo.Html:
    """Examine a claim and one of its mutants, once the button is pressed, by the evidence of `make checks`."""
    mo.stop(not button.value)
    return mo.md(examined(claim_id, mutant, seed))


def examined(claim_id: str, mutant: str, seed: int = 0) -> str:
    """Return what the evidence of `make checks` says of a claim and of one of its mutants, in Markdown."""
    claim = REGISTRY[claim_id]
    wrong = next(one for one in claim.mutants if one.name == mutant)
    found, fate = _findings(claim_id, mutant, seed)
    values: dict[str, object] = {
        "claim": translated(claim.words, "claims"), "mutant": translated(wrong.name, "claims"),
        "expected": _finding(found.expected), "measured": _finding(found.measured), "verdict": _finding(found.verdict),
        "wrong": _finding(fate.expected), "again": _finding(fate.measured), "fate": _finding(fate.verdict),
        "why": translated(wrong.why, "claims"), "alpha": share_of_alpha(), "miss": fate.miss,
    }  # fmt: skip
    words_of_claims = {name: _literal(one) if isinstance(one, str) else one for name, one in values.items()}
    return common().text("evidence", **words_of_claims)


@cache
def _findings(claim_id: str, mutant: str, seed: int) -> tuple[Finding, Finding]:
    """Examine a claim and one of its mutants, once for all readers: the numbers are those of the seed."""
    claim, run = REGISTRY[claim_id], Run(claim_id, digits(seed), seed, "quick", share_of_alpha())
    wrong = next(one for one in claim.mutants if one.name == mutant)
    return claim.examine(run), claim.examine(run, wrong)


def _finding(value: float | str) -> float | str:
    """Return a number as it is, and in the reader's language what evidence says in words."""
    return translated(value, "findings") if isinstance(value, str) else value


def _literal(text: str) -> str:
    """Keep Markdown from reading powers and indices as its own signs."""
    return re.sub(r"([\\^_*~|])", r"\\\1", text)
