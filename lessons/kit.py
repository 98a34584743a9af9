"""What notebooks are made of: words, sliders, questions, pictures with their numbers, derivations, and evidence."""

from __future__ import annotations

import base64
import io
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import marimo as mo
import sympy as sp

from claims import REGISTRY, digits
from claims.run import Run
from claims.runner import share_of_alpha
from figures.figure import STYLE
from figures.table import Table
from lessons.exercise import Exercise, Reply, guessed
from lessons.formulas import FormulaError, read
from lessons.prose import COMMON, Prose, number
from theory.derivation import Derivation

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

DRAWING = threading.Lock()
"""Matplotlib's styles and open figures are shared by all threads, and every browser has a thread."""
ROWS_SHOWN = 60
BIGGER = {
    "figure.figsize": (7.2, 3.9),
    "font.size": 12.0,
    "axes.titlesize": 13.0,
    "axes.labelsize": 12.0,
    "savefig.dpi": 100.0,
}
"""A lesson is read from the last row of a room."""


def words(prose: Prose, section: str, **values: object) -> mo.Html:
    """Show a section of the prose."""
    return mo.md(prose.text(section, **values))


def slider(prose: Prose, name: str, start: float, stop: float, value: float, step: float = 1) -> Any:
    """Return a slider named by the prose, which also takes its number from the keyboard."""
    label = prose.label(name)
    return mo.ui.slider(start, stop, step, value=value, label=label, show_value=True, full_width=True)


def seed() -> Any:
    """Return the slider that draws other weights."""
    return mo.ui.slider(0, 20, 1, value=0, label=COMMON.label("seed"), show_value=True, full_width=True)


def choice(prose: Prose, name: str, options: Sequence[str], value: str) -> Any:
    """Return a choice among named options; the prose has a label for each."""
    return mo.ui.radio({prose.label(one): one for one in options}, value=prose.label(value), label=prose.label(name))


def ask(prose: Prose, key: str) -> Any:
    """Return the question `key` with a field for a guess, which is None until it is sent."""
    field = mo.ui.text(label=COMMON.label("guess"), full_width=False)
    return _with_field(prose.text(key)).batch(field=field).form(submit_button_label=COMMON.label("look"))


def ask_choice(prose: Prose, key: str, options: Sequence[str]) -> Any:
    """Return the question `key` with options to choose from; the prose has a label for each option."""
    field = mo.ui.radio({prose.label(one): one for one in options})
    return _with_field(prose.text(key)).batch(field=field).form(submit_button_label=COMMON.label("look"))


def _with_field(question: str) -> mo.Html:
    """Put a place for a field below a question, whose own braces (of formulas) are no places."""
    return mo.md(question.replace("{", "{{").replace("}", "}}") + "\n\n{field}")


def sent(form: Any) -> str | None:
    """Return what was sent by a form, or None."""
    return None if form.value is None else form.value["field"]


def wait(form: Any, silent: bool = False) -> None:
    """End the cell with a request for a guess (or silently), unless the form was sent with one that can be read."""
    given = sent(form)
    try:
        if given is not None and isinstance(form.element.elements["field"], mo.ui.text):
            read(given)
    except FormulaError:
        given = None
    mo.stop(given is None, None if silent else mo.md(COMMON.text("wait")))


def guess_reply(prose: Prose, key: str, form: Any, truth: float, close: float = 1.25) -> mo.Html:
    """Answer a guessed number, once it is sent."""
    mo.stop(form.value is None)
    return _callout(guessed(sent(form), float(truth), prose, key, close))


def choice_reply(prose: Prose, key: str, form: Any, right: str) -> mo.Html:
    """Answer a choice, once it is sent, by the section `key OPTION`."""
    given = sent(form)
    mo.stop(form.value is None)
    if given is None:
        return _callout(Reply("unreadable", COMMON.text("no choice")))
    return _callout(Reply("right" if given == right else "wrong", prose.text(f"{key} {given}")))


def answers(prose: Prose, exercises: Sequence[Exercise]) -> Any:
    """Return a form for every exercise, with its question and a field for the answer."""
    field = mo.ui.text(label=COMMON.label("answer"), full_width=False)
    return mo.ui.array(
        [
            _with_field(prose.text(one.key)).batch(field=field).form(submit_button_label=COMMON.label("check"))
            for one in exercises
        ]
    )


def exercises(prose: Prose, those: Sequence[Exercise], forms: Any) -> mo.Html:
    """Show the exercises, each with the reply to the answer that was sent."""
    parts = [mo.md(f"## {COMMON.label('exercises')}")]
    for one, form in zip(those, forms, strict=True):
        parts.append(form)
        if form.value is not None:
            parts.append(_callout(one.check(sent(form), prose)))
    return mo.vstack(parts)


def _callout(reply: Reply) -> mo.Html:
    """Show a reply, which screen readers announce; its mark and its words say what its colour says."""
    mark, colour = {"right": ("✓", "#009E73"), "wrong": ("✗", "#D55E00"), "unreadable": ("?", "#555")}[reply.kind]
    style = f"display:flex;gap:1rem;border-left:.4rem solid {colour};padding:.3rem 1rem"
    return mo.Html(
        f'<div role="status" data-reply="{reply.kind}" style="{style}">'
        f'<strong aria-hidden="true">{mark}</strong>{mo.md(reply.text).text}</div>'
    )


def panel(
    table: Table, draw: Callable[[Table, Mapping[str, str]], Picture], prose: Prose, key: str, **values: object
) -> mo.Html:
    """Show a picture, the section `key` as its caption, `key alt` as its alternative, and its numbers, folded.

    `draw` is given the table and the prose's labels.
    """
    source = base64.b64encode(picture(table, draw, prose.labels)).decode()
    caption, alt = mo.md(prose.text(key, **values)).text, escape(prose.text(f"{key} alt", **values), quote=True)
    return mo.Html(
        f'<figure style="margin:0"><img alt="{alt}" src="data:image/svg+xml;base64,{source}" '
        f'style="width:100%;max-width:44rem"><figcaption aria-live="polite">{caption}</figcaption></figure>'
        f"<details><summary>{escape(COMMON.label('numbers'))}</summary>{_rows(table, prose.labels)}</details>"
    )


def picture(table: Table, draw: Callable[[Table, Mapping[str, str]], Picture], labels: Mapping[str, str]) -> bytes:
    """Return the drawing as SVG, in the style of the figures, a little larger."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with DRAWING, plt.style.context(["default", str(STYLE), BIGGER]):
        drawn, out = draw(table, labels), io.BytesIO()
        drawn.savefig(out, format="svg", metadata={"Date": None})
        plt.close(drawn)
    return out.getvalue()


def _rows(table: Table, labels: Mapping[str, str]) -> str:
    """Write the table in HTML; of long ones, rows at equal distances."""
    names = list(table.units)
    heads = "".join(f'<th scope="col">{escape(labels.get(f"column {name}", name))}</th>' for name in names)
    every = -(-len(table) // ROWS_SHOWN)
    rows = [
        "".join(f"<td>{escape(one if isinstance(one, str) else number(one, 4))}</td>" for one in row)
        for row in zip(*(table[name][::every].tolist() for name in names), strict=True)
    ]
    return f"<table><thead><tr>{heads}</tr></thead><tbody><tr>{'</tr><tr>'.join(rows)}</tr></tbody></table>"


def last(table: Table) -> dict[str, object]:
    """Return the last row by column, with underscores for blanks, to fill a caption."""
    return {name.replace(" ", "_"): table[name][-1].item() for name in table.units}


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
    return mo.callout(mo.md(f"### {COMMON.label('often wrong')}\n\n{prose.text(key)}"), kind="danger")


def sources(prose: Prose) -> mo.Html:
    """Show where things come from."""
    return mo.md(f"## {COMMON.label('sources')}\n\n{prose.text('sources')}")


def derivation(*derivations: Derivation) -> mo.Html:
    """Show derivations, folded, each step with its sentence, its formula and how it was checked."""
    return mo.accordion({f"{COMMON.label('derivation')}: {one.title}": _steps(one) for one in derivations})


def _steps(one: Derivation) -> mo.Html:
    marks = {"definition": "definition", "exact": "proved", "30 digits": "digits"}
    lines = [
        f"**{place}.** {_plain(step.says)} <small>({COMMON.label(marks[how])})</small>\n\n$${sp.latex(step.statement)}$$"
        for place, (step, how) in enumerate(zip(one.steps, one.check(), strict=True), start=1)
    ]
    return mo.md("\n\n".join(lines))


def _plain(text: str) -> str:
    """Keep Markdown from reading stars and underscores of formulas in a sentence."""
    return escape(text, quote=False).replace("*", r"\*").replace("_", r"\_")


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
    return mo.ui.run_button(label=COMMON.label("refute"))


def refuted(button: Any, claim_id: str, mutant: str, seed: int = 0) -> mo.Html:
    """Examine a claim and one of its mutants, once the button is pressed, by the evidence of `make checks`."""
    mo.stop(not button.value)
    claim = REGISTRY[claim_id]
    wrong = next(one for one in claim.mutants if one.name == mutant)
    run = Run(claim_id, digits(seed), seed, "quick", share_of_alpha())
    found, fate = claim.examine(run, None), claim.examine(run, wrong)
    values: dict[str, object] = {
        "claim": claim.words, "expected": found.expected, "measured": found.measured, "verdict": found.verdict,
        "mutant": wrong.name, "wrong": fate.expected, "again": fate.measured, "fate": fate.verdict,
        "why": wrong.why, "alpha": share_of_alpha(), "miss": fate.miss,
    }  # fmt: skip
    words_of_claims = {name: _literal(one) if isinstance(one, str) else one for name, one in values.items()}
    return mo.md(COMMON.text("evidence", **words_of_claims))


def _literal(text: str) -> str:
    """Keep Markdown from reading powers and indices as its own signs."""
    return re.sub(r"([\\^_*~|])", r"\\\1", text)
