"""What a lesson shows: pictures with their numbers, and derivations."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Callable, Mapping
from functools import cache
from html import escape
from typing import TYPE_CHECKING

import marimo as mo
import numpy as np
import sympy as sp

from figures.tools.figure import STYLE
from figures.tools.table import Table
from lessons.tools.exercise import Reply
from lessons.tools.language import teaching
from lessons.tools.lettering import families
from lessons.tools.prose import Prose, common, translated, typeset
from lessons.tools.saving import button
from theory.derivation import Derivation

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

DRAWING = threading.Lock()
"""Matplotlib's styles and open figures are shared by all threads, and every browser has a thread."""
ROWS_SHOWN = 60
MARKS = {"right": ("✓", "#009E73"), "wrong": ("✗", "#D55E00"), "unreadable": ("?", "#555"), "told": ("→", "#0072B2")}
"""Mark and colour of each kind of reply."""
BIGGER = {
    "figure.figsize": (7.2, 3.9),
    "font.size": 12.0,
    "axes.titlesize": 13.0,
    "axes.labelsize": 12.0,
    "savefig.dpi": 100.0,
}
"""Sizes over those of the figures: a lesson is read from the last row of a room."""


def panel(
    table: Table, draw: Callable[[Table, Mapping[str, str]], Picture], prose: Prose, key: str, **values: object
) -> mo.Html:
    """Show a picture, the section `key` as its caption, `key alt` as its alternative, and its numbers, folded.

    `draw` is given the table and the prose's labels.
    """
    drawn, numbers = picture(table, draw, prose.labels), rows(table, prose)
    return figure(drawn, prose.text(key, **values), prose.text(f"{key} alt", **values), numbers, prose, key)


def figure(drawn: bytes, caption: str, alt: str, numbers: str, prose: Prose, key: str) -> mo.Html:
    """Show a drawing with its caption and its numbers; it can be saved, and fill the screen in front of a class."""
    source, label = base64.b64encode(drawn).decode(), prose.common.label
    full = f'<button type="button" data-full>{escape(label("full screen"))}</button>' if teaching() else ""
    return mo.Html(
        f'<figure style="margin:0"><img alt="{escape(alt, quote=True)}" src="data:image/svg+xml;base64,{source}" '
        f'style="width:100%;max-width:44rem"><figcaption aria-live="polite">{mo.md(caption).text}</figcaption>'
        f'<p class="figure-links">{button(drawn, caption, alt, prose, key)} {full}</p></figure>'
        f"<details><summary>{escape(label('numbers'))}</summary>{numbers}</details>"
    )


def picture(table: Table, draw: Callable[[Table, Mapping[str, str]], Picture], labels: Mapping[str, str]) -> bytes:
    """Return the drawing as SVG, in the style of the figures, a little larger."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with DRAWING, plt.style.context(["default", str(STYLE), BIGGER, {"font.family": families(labels.values())}]):
        drawn, out = draw(table, labels), io.BytesIO()
        drawn.savefig(out, format="svg", metadata={"Date": None})
        plt.close(drawn)
    return out.getvalue()


def rows(table: Table, prose: Prose) -> str:
    """Write the table in HTML; of long ones, rows at about equal distances, with the first and the last."""
    names = list(table.units)
    heads = "".join(f'<th scope="col">{escape(prose.labels.get(f"column {name}", name))}</th>' for name in names)
    some = np.linspace(0, len(table) - 1, min(len(table), ROWS_SHOWN)).round().astype(int)
    rows = [
        "".join(f"<td>{escape(prose.word(one) if isinstance(one, str) else typeset(one, 4))}</td>" for one in row)
        for row in zip(*(table[name][some].tolist() for name in names), strict=True)
    ]
    return f"<table><thead><tr>{heads}</tr></thead><tbody><tr>{'</tr><tr>'.join(rows)}</tr></tbody></table>"


def last(table: Table) -> dict[str, object]:
    """Return the last row by column, with underscores for blanks, to fill a caption."""
    return {name.replace(" ", "_"): table[name][-1].item() for name in table.units}


def derivation(*derivations: Derivation) -> mo.Html:
    """Show derivations, folded, each step with its sentence, its formula and how it was checked."""
    title = common().label("derivation")
    folded = {title.format(translated(one.title, "derivations")): _steps(one) for one in derivations}
    return mo.accordion(folded, multiple=True)


def _steps(one: Derivation) -> mo.Html:
    lines = []
    for place, (step, how) in enumerate(zip(one.steps, proof(one), strict=True), start=1):
        says = _plain(translated(step.says, "derivations"))
        lines.append(f"**{place}.** {says} <small>({checked(how)})</small>\n\n$${sp.latex(step.statement)}$$")
    return mo.md("\n\n".join(lines))


@cache
def proof(one: Derivation) -> tuple[str, ...]:
    """Check a derivation once for all who open the lesson, and say of each step how it was verified."""
    return one.check()


def checked(how: str) -> str:
    """Say how a step was checked, in the words of the lessons."""
    marks = {"definition": "definition", "exact": "proved", "30 digits": "digits"}
    if how in marks:
        return common().label(marks[how])
    return (
        common()
        .label("cited" if how.startswith("cited") else "sizes")
        .format(how.removeprefix("cited: ").split(" ")[0])
    )


def reply(one: Reply) -> mo.Html:
    """Show a reply, which screen readers announce; its mark and its words say what its colour says."""
    mark, colour = MARKS[one.kind]
    style = f"display:flex;gap:1rem;border-left:.4rem solid {colour};padding:.3rem 1rem"
    return mo.Html(
        f'<div role="status" data-reply="{one.kind}" style="{style}">'
        f'<strong aria-hidden="true">{mark}</strong>{mo.md(one.text).text}</div>'
    )


def _plain(text: str) -> str:
    """Keep Markdown from reading stars and underscores of formulas in a sentence."""
    return escape(text, quote=False).replace("*", r"\*").replace("_", r"\_")
