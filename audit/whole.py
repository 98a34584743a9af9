"""The whole net: mean squares along it, predicted from the input and the rules of the weights, beside those measured.

What is compared: the graph says what the model does with its weights; the rules that are claimed, or else recognised,
say how these are drawn; and over the seeds the model made what it made. Where all of the way is exact
(`audit.squares`), levels (`audit.places`) and steps (`audit.steps`) are tested; a test that could not see a mean square
half as large again is unsure. On mean field alone nothing is said against a model: what disagrees by more than `FACTOR`
is a note.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from audit.layers import ENOUGH
from audit.measured import Measured
from audit.places import Place
from audit.state import Known
from audit.statement import Statement, Verdict
from audit.steps import steps
from evidence import Finding

FACTOR = 1.5
WHERE = "the whole net"


def whole(found: Measured, places: list[Place], known: Known, share: float) -> Iterator[Statement]:
    """Say how what is predicted of the whole net agrees with what was seen."""
    exact, inexact = [one for one in places if one.finding is not None], [one for one in places if not one.exact]
    if found.graph.lost:
        yield _silent(f"the model is not traced, so nothing is said of the whole net ({found.graph.lost})")
    elif not places:
        yield _silent("nothing is predicted of the whole net: no rule is known of what its blocks are made of")
    if exact:
        yield _exactly(exact, steps(found, exact, known, share))
    if inexact:
        yield _on_mean_field(inexact)


def _silent(words: str) -> Statement:
    return Statement(kind="mean field", where=WHERE, verdict="note", words=words)


def _exactly(exact: list[Place], step: Finding | None) -> Statement:
    last = exact[-1]
    levels = [(one, one.finding) for one in exact if one.finding is not None]
    wrong = [(one, finding) for one, finding in levels if _refuted(finding)]
    stepped = step is not None and _refuted(step)
    sees = float(levels[-1][1].detectable)
    each = "" if step is None else f"; from place to place {float(step.measured):.3g} (sees {_share(step)})"
    words = (
        f"at {last.name} the rules of the weights predict a mean square of {last.state.mean_square:.3g}, at any width; "
        f"seen / predicted {last.ratio:.3g} (sees {_share(levels[-1][1])}){each}"
    )
    verdict: Verdict = "against" if wrong or stepped else "unsure"
    least = min([sees] + ([] if step is None else [float(step.detectable)]))
    if verdict == "unsure" and least <= ENOUGH:
        verdict = "sound"
    ratio = wrong[0][0].ratio if wrong else float(step.measured) if step is not None else 1.0
    cause = {
        "against": f"{f'at {wrong[0][0].name}' if wrong else 'from place to place'} there is {ratio:.3g} of what the "
        "rules of its weights make of the input: they are not drawn as they are said to be, or not independently",
        "unsure": "mean squares may scatter so much that half as much again would not be seen; more seeds",
    }
    return Statement(
        kind="exact, whole net",
        where=WHERE,
        verdict=verdict,
        words=words,
        cause=cause.get(verdict, ""),
        severity=abs(math.log(ratio)) if verdict == "against" and ratio > 0 else 0.0,
        numbers={
            "predicted": last.state.mean_square,
            "seen": float(last.seen.mean()),
            "seen / predicted": last.ratio,
            "sees": sees,
            "step": float(step.measured) if step is not None else math.nan,
            "step sees": float(step.detectable) if step is not None else math.nan,
        },
    )


def _refuted(finding: Finding) -> bool:
    """Whether a mean or, by its note, a variance is refuted."""
    return finding.verdict == "refuted" or "refutes the stated" in finding.note


def _share(finding: Finding) -> str:
    size = float(finding.detectable)
    return f"{size:.0%}" if size < 10 else "nothing"


def _on_mean_field(places: list[Place]) -> Statement:
    able = [one for one in places if one.ratio > 0]
    last = places[-1]
    worst = max(able, key=lambda one: abs(math.log(one.ratio)), default=last)
    off = abs(math.log(worst.ratio)) if worst.ratio > 0 else math.inf
    far = off > math.log(FACTOR) and abs(worst.seen.mean() - worst.state.mean_square) > 3 * worst.error
    words = (
        f"mean square {last.state.mean_square:.3g} at {last.name} by mean field from the input's; seen "
        f"{last.seen.mean():.3g} +- {last.error:.2g}, {last.ratio:.3g} of it"
    )
    if worst is not last:
        words += f"; they differ most at {worst.name}, {worst.ratio:.3g}"
    why = f"; mean field from {places[0].name} on, for {places[0].state.inexact}"
    return Statement(
        kind="mean field",
        where=WHERE,
        verdict="note" if far else "sound",
        words=words + why,
        severity=off if far else 0.0,
        numbers={
            "predicted": last.state.mean_square,
            "seen": float(last.seen.mean()),
            "standard error": last.error,
            "seen / predicted": last.ratio,
            "worst": worst.ratio,
        },
    )
