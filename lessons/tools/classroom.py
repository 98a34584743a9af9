"""A question in front of a class: its guesses as a list, their histogram over the truth, and answers that are folded.

`kit` asks here instead of a student, if the address of a lesson says so (`?teach=1`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import marimo as mo
import numpy as np

from figures.tools.table import Table, stacked
from lessons.tools import show
from lessons.tools.exercise import Exercise, Reply, solution
from lessons.tools.formulas import FormulaError, read, read_list
from lessons.tools.prose import Prose, common, typeset
from lessons.tools.saving import wrapped
from simulations.numbers.arrays import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

BINS = 15
WIDE = 30.0
"""Guesses further apart than by this factor stand on a logarithmic axis."""
FARTHEST = 1e60
"""Guesses beyond this number, or its inverse, stand at an end of the axis: axes end before floating point does."""
WORDS_WIDTH = 44.0
"""Of an answer beside its bar, in heights of its characters."""
RIGHT, OTHER = "#009E73", "0.7"


def guesses(prose: Prose) -> dict[str, Any]:
    """Return the field for a list of guesses."""
    return {"field": mo.ui.text(label=prose.common.label("class guesses"), full_width=True, debounce=False)}


def counts(prose: Prose, options: Sequence[str]) -> dict[str, Any]:
    """Return a field for each answer, for how many chose it."""
    return {one: mo.ui.text(label=prose.label(one), full_width=False, debounce=False) for one in options}


def guesses_reply(prose: Prose, key: str, given: str | None, truth: float, close: float) -> mo.Html:
    """Show the guesses that were typed in over the truth, and folded below them what is said of a guess."""
    kinds = ("close", "small", "large")
    said = [
        (prose.common.label(f"said {kind}"), prose.text(f"{key} {kind}", guess="…", truth=truth, factor="…"))
        for kind in kinds
    ]
    answer = answered(f"**{typeset(truth)}**", said)
    return answer if given is None else mo.vstack([_of_guesses(prose, key, given, truth, close), answer])


def _of_guesses(prose: Prose, key: str, given: str, truth: float, close: float) -> mo.Html:
    try:
        guesses = np.array(read_list(given))
    except FormulaError as error:
        return show.reply(unreadable(error))
    table = stacked({"guess": "1", "truth": "1"}, {"guess": np.sort(guesses), "truth": truth})
    with np.errstate(divide="ignore", over="ignore"):
        near = (guesses > 0) & (np.abs(np.log(np.abs(guesses) / truth)) <= np.log(close) + 1e-9)
    values = {
        "many": len(guesses), "low": guesses.min(), "high": guesses.max(), "median": np.median(guesses), "truth": truth,
        "near": int(near.sum()), "close": close,
    }  # fmt: skip
    return _figure(prose, key, "guesses", table, draw_guesses, **values)


def counts_reply(
    prose: Prose, key: str, options: Sequence[str], given: Mapping[str, str] | None, right: str
) -> mo.Html:
    """Show how many chose each answer, and folded below them what is said of each answer."""
    said = [(prose.label(one), prose.text(f"{key} {one}")) for one in options]
    answer = answered(f"**{prose.label(right)}**", said)
    return answer if given is None else mo.vstack([_of_counts(prose, key, given, right), answer])


def _of_counts(prose: Prose, key: str, given: Mapping[str, str], right: str) -> mo.Html:
    try:
        chose = {one: count(text, place) for place, (one, text) in enumerate(given.items(), start=1)}
    except FormulaError as error:
        return show.reply(unreadable(error))
    if not any(chose.values()):
        return show.reply(Reply("unreadable", common().text("unreadable count")))
    names, counts = [prose.label(one) for one in chose], list(chose.values())
    table = stacked(
        {"answer": "", "count": "1", "right": "1"},
        {"answer": np.array(names), "count": np.array(counts), "right": np.array([one == right for one in chose])},
    )
    listed = "; ".join(f"{name}: {number}" for name, number in zip(names, counts, strict=True))
    return _figure(prose, key, "counts", table, draw_counts, many=sum(counts), right=chose[right], listed=listed)


def count(text: str, place: int) -> int:
    """Return how many, as written in the field of an answer; none, if it is empty.

    Raises
    ------
    FormulaError
        If it is not a whole number that is zero or more.
    """
    try:
        number = read(text)({}) if text.strip() else 0.0
    except FormulaError as error:
        raise FormulaError(error.kind, error.what, text, place) from None
    if number < 0 or number % 1:
        raise FormulaError("count", "", text, place)
    return int(number)


def _figure(prose: Prose, key: str, kind: str, table: Table, draw: Any, **values: object) -> mo.Html:
    """Show a drawing in words that all lessons share."""
    said = prose.common
    caption, alt = said.text(f"class {kind}", **values), said.text(f"class alt {kind}", **values)
    drawn = show.picture(table, draw, said.labels)
    return show.figure(drawn, caption, alt, show.rows(table, said), prose, f"{key} class")


def unreadable(error: FormulaError) -> Reply:
    """Say which entry of a list could not be read, and why."""
    said = common()
    why = said.text(f"unreadable {error.kind}", what=error.what, variables=said.label("no variables"))
    entry = error.entry[:40].replace("`", "'")
    where = said.text("unreadable entry", place=error.place, entry=entry) if error.place else ""
    return Reply("unreadable", f"{where} {why}".strip())


def exercise_answer(one: Exercise, prose: Prose) -> mo.Html:
    """Fold the answer of an exercise, and what is said of each misconception."""
    wrong = [(solution(one, truth), prose.text(f"{one.key} {name}")) for name, truth in one.misconceptions.items()]
    return answered(f"{solution(one, one.truth)}\n\n{prose.text(f'{one.key} right')}", wrong)


def answered(truth: str, said: Sequence[tuple[str, str]]) -> mo.Html:
    """Fold an answer, with what is said of each guess, all in Markdown."""
    listed = "".join(f"<dt>{mo.md(guess).text}</dt><dd>{mo.md(one).text}</dd>" for guess, one in said)
    summary = escape(common().label("show me"))
    return mo.Html(
        f'<details class="answer"><summary>{summary}</summary>{mo.md(truth).text}<dl>{listed}</dl></details>'
    )


def draw_guesses(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw how many guesses lie where, and the truth as a line."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator

    truth = table.numbers("truth")[0]
    edges, wide = bins(np.clip(table.numbers("guess"), -FARTHEST, FARTHEST), truth)
    picture, axes = plt.subplots()
    inside = np.clip(table.numbers("guess"), edges[0], edges[-1])
    axes.hist(inside, edges.tolist(), color=OTHER, edgecolor="white", label=labels["guesses points"])
    axes.axvline(truth, color=RIGHT, linewidth=3, label=labels["truth"])
    axes.set(xlabel=labels["guesses axis"], ylabel=labels["count axis"])
    if wide:
        axes.set_xscale("log")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()
    return picture


def bins(guesses: Array, truth: float) -> tuple[Array, bool]:
    """Return the edges of bins that hold guesses and truth, and whether they are equal on a logarithmic axis.

    There guesses of zero or less, which have no place, are left of the first edge. `truth` is positive.
    """
    both = np.append(guesses, truth)
    positive = both[both > 1 / FARTHEST]
    if positive.max() / WIDE <= positive.min():
        return np.histogram_bin_edges(both, BINS), False
    return 10 ** np.histogram_bin_edges(np.log10(positive), BINS), True


def draw_counts(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw how many chose each answer as a bar below its words, the right answer in another colour and with a mark."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator

    counts, right = table.numbers("count"), table.numbers("right")
    picture, axes = plt.subplots()
    places = np.arange(len(table))
    bars = axes.barh(places, counts, height=0.4, color=[RIGHT if one else OTHER for one in right])
    axes.bar_label(bars, [typeset(one) for one in counts], padding=4)
    for place, words in enumerate(table["answer"].tolist()):
        said = "\n".join(wrapped(f"{'✓ ' if right[place] else ''}{place + 1}. {words}", WORDS_WIDTH))
        axes.text(0.01, place - 0.26, said, va="bottom", transform=axes.get_yaxis_transform())
    axes.set(xlabel=labels["count axis"], ylim=(len(table) - 0.6, -0.8), yticks=[], xlim=(0, 1.1 * counts.max()))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return picture
