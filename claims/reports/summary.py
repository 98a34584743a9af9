"""The page's first screen: totals, subjects as rows with claims as cells, and the filters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from claims.catalogue import REGISTRY, question
from claims.examine import Result
from claims.reports.card import attributes
from claims.reports.words import MARKS, least_power, size, spaced, status, wrongs

MEANINGS = {
    "held": "held, and all mutants refuted",
    "survived": "held, but a mutant survives",
    "refuted": "refuted",
    "inconclusive": "inconclusive",
}


def tiles(results: Sequence[Result]) -> Iterator[str]:
    """Yield the totals in large figures."""
    held = sum(result.finding.verdict == "held" for result in results)
    mutants, refuted = sum(len(result.mutants) for result in results), sum(result.refuted for result in results)
    for count, total, what in ((held, len(results), "claims held"), (refuted, mutants, "mutants refuted")):
        kind = "held" if count == total else "refuted"
        yield f'<p class="tile {kind}"><b>{count}</b> of {total} {what}</p>'


def troubles(results: Sequence[Result]) -> Iterator[str]:
    """Yield what went wrong, if anything did."""
    bad = [result for result in results if not result.passed]
    if not bad:
        return
    yield '<section class="troubles"><h2>What went wrong</h2><ul>'
    for result in bad:
        link = f'<a href="#{result.claim_id}">{result.claim_id}</a>'
        yield from (f"<li>{link} {escape(spaced(trouble))}</li>" for trouble in wrongs(result))
    yield "</ul></section>"


def glance(groups: Sequence[tuple[str, list[Result]]]) -> Iterator[str]:
    """Yield a row a subject and a cell a claim; its mark is the verdict, its small print the least power."""
    yield '<section id="glance"><div class="heading"><h2>At a glance</h2>'
    yield f'<p class="legend">{" ".join(f"{_badge(name)} {meaning}" for name, meaning in _shown(groups).items())} '
    yield "<span>Below each code: the largest error that might go unseen.</span></p></div>"
    for subject, group in groups:
        yield f'<div class="subject" role="group" aria-labelledby="row-{subject}"><p id="row-{subject}">'
        yield f'<a href="#{subject}" title="{escape(question(subject), quote=True)}">{title(subject)}</a></p><ul>'
        yield from (_cell(result) for result in group)
        yield "</ul></div>"
    yield "</section>"


def _shown(groups: Sequence[tuple[str, list[Result]]]) -> dict[str, str]:
    there = {status(result) for _, group in groups for result in group}
    return {name: meaning for name, meaning in MEANINGS.items() if name in there}


def _badge(name: str) -> str:
    return f'<strong class="badge {name}" aria-hidden="true">{MARKS[name]}</strong>'


def _cell(result: Result) -> str:
    claim, name = REGISTRY[result.claim_id], status(result)
    seen = spaced(size(result.finding.detectable))
    sees = "nothing can be seen" if seen == "no error" else f"sees errors of {seen}"
    tip = f"{escape(claim.words)} {MEANINGS[name].capitalize()}; {escape(sees)}."
    return (
        f'<li {attributes(claim, result)}><a class="cell {name}" href="#{claim.id}">'
        f'<b><span aria-hidden="true">{MARKS[name]}</span> {" ".join(claim.codes)}</b>'
        f'<small aria-hidden="true">{escape(least_power(result.finding))}</small>'
        f'<span class="tip">{tip}</span></a></li>'
    )


def filters(groups: Sequence[tuple[str, list[Result]]]) -> Iterator[str]:
    """Yield the search and the filters, which are hidden where no script makes them work."""
    papers = sorted({one for _, group in groups for r in group for one in REGISTRY[r.claim_id].paper.split("; ")})
    choices = {
        "subject": {subject: title(subject) for subject, _ in groups},
        "papers": {paper: paper for paper in papers},
        "verdict": _shown(groups),
    }
    yield '<form id="filters" role="search" aria-label="Claims" hidden><label>Search '
    yield '<input type="search" name="text" placeholder="Fixup, R2, tanh …" autocomplete="off"></label>'
    for name, options in choices.items():
        chosen = "".join(f'<option value="{escape(k, quote=True)}">{escape(v)}</option>' for k, v in options.items())
        label = name.removesuffix("s").capitalize()
        yield f'<label>{label} <select name="{name}"><option value="">all</option>{chosen}</select></label>'
    yield '<button type="reset">Clear</button><output aria-live="polite"></output></form>'


def title(subject: str) -> str:
    """Return a subject's name as a heading."""
    return escape(subject.replace("_", " ").capitalize())
