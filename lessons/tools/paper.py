"""What `kit` and `show` give to notebooks, for a page that no Python runs behind: plain HTML with folded answers.

The functions have the names and the arguments of those two modules, and return HTML. A slider has a few positions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from html import escape
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import sympy as sp

from claims.reports.formula import formula, inline
from figures.tools.table import Table
from lessons.tools import kit, pages, show
from lessons.tools.exercise import Exercise, guessed, solution
from lessons.tools.prose import Prose, common, translated, typeset
from lessons.tools.saving import button
from theory.derivation import Derivation

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

MATHS = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$", re.DOTALL)
FINEST = (9, 5, 3, 2)
"""How many positions all sliders of a figure have, if the figure is then drawn seldom enough."""
MOST: ContextVar[int] = ContextVar("most", default=27)
"""How often a figure is drawn, at most."""
NUMBERS = count()
last = show.last


class SkippedError(Exception):
    """A cell that waits for a button has nothing to show on paper."""


@dataclass(eq=False)
class Setting:
    """A slider or a choice: what it is called, its value now, and the values that it can have on paper."""

    label: str
    value: Any
    values: tuple[Any, ...]
    names: Mapping[Any, str] = field(default_factory=dict)
    """What each option of a choice is called; nothing for a slider."""
    number: int = field(default_factory=lambda: next(NUMBERS))

    def html(self) -> str:
        """Return the element, which knows the place of its value among `values`."""
        now, label = self.values.index(self.value), maths(escape(self.label))
        if len(self.values) < 2:
            return f"<p>{label}: {escape(self.said(self.value))}</p>"
        if self.names:
            options = "".join(
                f'<label><input type="radio" name="s{self.number}" value="{place}"{" checked" * (place == now)}> '
                f"{maths(escape(self.said(one)))}</label> "
                for place, one in enumerate(self.values)
            )
            return f'<fieldset data-setting="{self.number}"><legend>{label}</legend>{options}</fieldset>'
        said = escape("|".join(map(self.said, self.values)), quote=True)
        return (
            f'<p data-setting="{self.number}"><label>{label} <input type="range" min="0" max="{len(self.values) - 1}" '
            f'value="{now}" data-said="{said}" aria-valuetext="{self.said(self.value)}"></label> '
            f"<output>{self.said(self.value)}</output></p>"
        )

    def said(self, value: Any) -> str:
        """Return a value in words."""
        return self.names[value] if self.names else typeset(value)


def markdown(text: str) -> str:
    """Return Markdown as HTML, its formulas as MathML."""
    found: list[str] = []

    def keep(match: re.Match[str]) -> str:
        found.append(formula(match[1]) if match[1] else inline(match[2]))
        return f"FORMULA{len(found) - 1}END"

    html = pages.markdown(MATHS.sub(keep, text))
    return re.sub(r"FORMULA(\d+)END", lambda match: found[int(match[1])], html)


def maths(text: str) -> str:
    """Return a label with its formulas as MathML."""
    return MATHS.sub(lambda match: inline(match[1] or match[2]), text)


def folded(title: str, html: str, kind: str) -> str:
    """Return what opens at a press."""
    return f'<details class="{kind}"><summary>{title}</summary>{html}</details>'


def words(prose: Prose, section: str, **values: object) -> str:
    """Show a section of the prose."""
    return markdown(prose.text(section, **values))


def opening(prose: Prose) -> str:
    """Begin a lesson: its question, and what is different on paper."""
    return words(prose, "question") + words(prose.common, "paper")


def slider(prose: Prose, name: str, start: float, stop: float, value: float, step: float = 1) -> Setting:
    """Return a slider; `controls` says at which of its positions the figure is drawn."""
    steps = round((stop - start) / step)
    return Setting(prose.label(name), value, tuple(_tidy(start + place * step) for place in range(steps + 1)))


def _tidy(number: float) -> float:
    """Return a multiple of a decimal step without the noise of its last bits, whole if it is whole."""
    rounded = round(number, 9)
    return int(rounded) if rounded == int(rounded) else rounded


def seed() -> Setting:
    """Return the seed, which has one value on paper."""
    return Setting(common().label("seed"), 0, (0,))


def choice(prose: Prose, name: str, options: Sequence[str], value: str) -> Setting:
    """Return a choice among named options."""
    return Setting(prose.label(name), value, tuple(options), {one: prose.label(one) for one in options})


def spread(settings: Sequence[Setting]) -> None:
    """Leave choices all options and sliders so many positions that there are at most `MOST` combinations.

    What goes beyond that stays where it is.
    """
    most = MOST.get()
    choices, sliders = ([one for one in settings if bool(one.names) is named] for named in (True, False))
    sliders = [one for one in sliders if len(one.values) > 1]
    used = 1
    for one in choices:
        one.values = one.values if used * len(one.values) <= most else (one.value,)
        used *= len(one.values)
    fine = next((k for k in FINEST if used * k ** len(sliders) <= most), 2)
    for slider in sliders:
        slider.values = _positions(slider, fine if used * fine <= most else 1)
        used *= len(slider.values)


def _positions(slider: Setting, many: int) -> tuple[Any, ...]:
    """Return so many positions of a slider, evenly from end to end, the one nearest to its value being its value."""
    if many == 1:
        return (slider.value,)
    even = np.linspace(0, len(slider.values) - 1, min(many, len(slider.values))).round().astype(int)
    now = slider.values.index(slider.value)
    even[np.abs(even - now).argmin()] = now
    return tuple(slider.values[place] for place in sorted(set(even.tolist())))


def ask(prose: Prose, key: str) -> str:
    """Return the question `key`."""
    return words(prose, key)


def ask_choice(prose: Prose, key: str, options: Sequence[str]) -> str:
    """Return the question `key` with its options."""
    return (
        words(prose, key) + "<ul>" + "".join(f"<li>{maths(escape(prose.label(one)))}</li>" for one in options) + "</ul>"
    )


def wait(form: Any, silent: bool = False) -> None:
    """Wait for nothing: a reader on paper guesses without a field."""


def guess_reply(prose: Prose, key: str, form: Any, truth: float, close: float = 1.25) -> str:
    """Fold the reply to a right guess, below its number."""
    right = guessed(repr(float(truth)), float(truth), prose, key, close).text
    return folded(prose.common.label("show me"), f"<p><b>{typeset(float(truth))}</b></p>{markdown(right)}", "answer")


def choice_reply(prose: Prose, key: str, form: Any, right: str) -> str:
    """Fold the reply to the right choice, below its words."""
    said = f"<p><b>{maths(escape(prose.label(right)))}</b></p>{words(prose, f'{key} {right}')}"
    return folded(prose.common.label("show me"), said, "answer")


def answers(prose: Prose, exercises: Sequence[Exercise]) -> None:
    """Return nothing: `closing` shows the exercises."""


def closing(prose: Prose, those: Sequence[Exercise], forms: Any) -> str:
    """Close a lesson: its exercises with folded answers, and its sources."""
    parts = [f"<h2>{escape(prose.common.label('exercises'))}</h2>"]
    for one in those:
        answer = markdown(f"{solution(one, one.truth)}\n\n{prose.text(f'{one.key} right')}")
        parts += [words(prose, one.key), folded(prose.common.label("show me"), answer, "answer")]
    return "".join([*parts, f"<h2>{escape(prose.common.label('sources'))}</h2>", words(prose, "sources")])


def controls(said: str, *widgets: Any) -> str:
    """Put words above settings; seeds stay away."""
    seeds = common().label("seed")
    return below(said, *(one for one in widgets if not isinstance(one, Setting) or one.label != seeds))


def below(*parts: Any) -> str:
    """Put parts below each other, settings with the positions that they have together."""
    spread([one for one in parts if isinstance(one, Setting)])
    return "".join(one.html() if isinstance(one, Setting) else one or "" for one in parts)


def box(prose: Prose, key: str) -> str:
    """Show a statement that is often made, and wrong."""
    return f"<aside><h3>{escape(prose.common.label('often wrong'))}</h3>{words(prose, key)}</aside>"


def press(prose: Prose, name: str) -> None:
    """Return no button: nothing runs on paper."""


def until_pressed(button: None) -> None:
    """End the cell."""
    raise SkippedError


def refute() -> None:
    """Return no button: `refuted` shows its finding, folded."""


def refuted(button: None, claim_id: str, mutant: str, seed: int = 0) -> str:
    """Fold what the evidence says of a claim and of one of its mutants."""
    return folded(common().label("refute"), markdown(kit.examined(claim_id, mutant, seed)), "evidence")


def panel(
    table: Table, draw: Callable[[Table, Mapping[str, str]], Picture], prose: Prose, key: str, **values: object
) -> str:
    """Show a picture, its caption, its alternative, and its numbers, folded."""
    drawn = show.picture(table, draw, prose.labels)
    svg = quote(drawn.decode(), safe=" /:;=,()<>-_.'!*+?&@[]{}|\n")
    caption, alt = prose.text(key, **values), prose.text(f"{key} alt", **values)
    picture = f'<img alt="{escape(alt, quote=True)}" src="data:image/svg+xml,{escape(svg, quote=True)}">'
    numbers = folded(escape(prose.common.label("numbers")), show.rows(table, prose), "numbers")
    save = button(drawn, caption, alt, prose, key)
    return f"<figure>{picture}<figcaption>{markdown(caption)}</figcaption>{save}</figure>{numbers}"


def derivation(*derivations: Derivation) -> str:
    """Show derivations, folded."""
    title = common().label("derivation")
    return "".join(
        folded(escape(title.format(translated(one.title, "derivations"))), _steps(one), "derivation")
        for one in derivations
    )


def _steps(one: Derivation) -> str:
    steps = [
        f"<p><b>{place}.</b> {escape(translated(step.says, 'derivations'))} "
        f"<small>({escape(show.checked(how))})</small></p><p>{formula(sp.latex(step.statement))}</p>"
        for place, (step, how) in enumerate(zip(one.steps, show.proof(one), strict=True), start=1)
    ]
    return "".join(steps)
