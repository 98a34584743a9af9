"""One claim on the page: statement, evidence, mutants, derivation, and what goes with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape

import sympy as sp

from claims import links
from claims.examine import Result, checked
from claims.ledger import stands
from claims.registry import Claim, Mutant
from claims.reports.formula import formula
from claims.reports.headings import typeset
from claims.reports.picture import picture
from claims.reports.words import MARKS, measured, sentence, size, spaced, status, survival, text
from evidence import Finding
from theory.derivation import Derivation


def card(claim: Claim, result: Result) -> Iterator[str]:
    """Yield the article of one claim."""
    found, rest = result.finding, "\n".join((claim.check.__doc__ or "").splitlines()[1:]).strip()
    kind = "exact" if claim.exact else "asymptotic"
    yield f'<article id="{claim.id}" class="card {status(result)}" {attributes(claim, result)}>'
    yield f'<h3><a class="code" href="#{claim.id}">{" ".join(claim.codes)}</a> {typeset(claim.words)}</h3>'
    yield f'<p class="quiet">{escape(claim.paper)}, {escape(claim.where)} · {kind} · <code>{claim.id}</code></p>'
    yield f'<div class="states">{formula(claim.states)}</div>'
    yield f'<p>{escape(rest)}</p><div class="columns"><section><h4>Evidence: {escape(found.kind)}</h4>'
    yield f'<dl class="numbers">{"".join(_numbers(found))}</dl>'
    told = " ".join(filter(None, (sentence(found), found.note and f"{found.note[0].upper()}{found.note[1:]}.")))
    yield f"<p>{escape(spaced(told))}</p>{picture(result)}"
    for derive in claim.derivations:
        yield from _derivation(derive)
    yield f"</section><section><h4>{_refuted(result)}</h4><ol>"
    for number, (mutant, (_, wrong)) in enumerate(zip(claim.mutants, result.mutants, strict=True), start=1):
        yield _mutant(f"{claim.id}.{number}", mutant, wrong)
    yield f"</ol></section></div>{_beside(claim)}</article>"


def attributes(claim: Claim, result: Result) -> str:
    """Return what the filters look at."""
    about = {
        "claim": claim.id,
        "subject": claim.subject,
        "verdict": status(result),
        "papers": "|".join(claim.paper.split("; ")),
        "text": " ".join((*claim.codes, claim.id, claim.words, claim.paper, claim.where, *stands(claim.codes))).lower(),
    }
    return " ".join(f'data-{name}="{escape(value, quote=True)}"' for name, value in about.items())


def verdict(name: str) -> str:
    """Return a verdict with its mark and its colour."""
    return f'<strong class="{name}"><span aria-hidden="true">{MARKS[name]}</span> {name}</strong>'


def _numbers(found: Finding) -> Iterator[str]:
    yield f"<div><dt>verdict</dt><dd>{verdict(found.verdict)}</dd></div>"
    if found.verdict == "inconclusive":
        return
    shown = {"sees errors of": size(found.detectable)}
    if not isinstance(found.measured, str):
        shown = {"expected": text(found.expected), "measured": text(found.measured)} | shown
    if found.non_vacuous is not None:
        shown["says something in"] = f"{found.non_vacuous:.0%} of samples"
    yield from (f"<div><dt>{name}</dt><dd>{escape(spaced(value))}</dd></div>" for name, value in shown.items())


def _refuted(result: Result) -> str:
    count = len(result.mutants)
    return (
        f"{count} mutants, all refuted" if result.refuted == count else f"{result.refuted} of {count} mutants refuted"
    )


def _mutant(address: str, mutant: Mutant, found: Finding) -> str:
    says = f"expected {text(found.expected)}, measured {measured(found)}; {survival(found)}"
    note = f" {escape(found.note)}" if found.verdict != "refuted" else ""
    return (
        f'<li class="mutant" id="{address}"><p><b>{escape(mutant.name)}</b> {escape(mutant.why)}</p>'
        f'<p class="quiet">{verdict(found.verdict)} {escape(spaced(says))}{note}</p></li>'
    )


def _derivation(derive: Callable[[], Derivation]) -> Iterator[str]:
    found = checked(derive)
    if found.trouble:
        yield f'<p class="wrong">This derivation fails: {escape(found.trouble)}</p>'
        return
    yield f'<details><summary>Derivation: {escape(found.title)}</summary><ol class="steps">'
    for step, (says, verified) in zip(derive().steps, found.steps, strict=True):
        yield (
            f'<li><p>{escape(says)} <span class="quiet">({verified})</span></p>'
            f'<div class="scroll">{formula(sp.latex(step.statement))}</div></li>'
        )
    yield "</ol></details>"


def _beside(claim: Claim) -> str:
    """Return links to the figures and lessons that go with a claim; they hold in the top folder and on the server."""
    figures = [(links.picture(one), f"Figure: {links.spoken(one)}") for one in links.linked(links.FIGURES, claim.codes)]
    lessons = [(links.notebook(one), f"Lesson {links.spoken(one)}") for one in links.linked(links.LESSONS, claim.codes)]
    items = "".join(f'<li><a href="{address}">{escape(name)}</a></li>' for address, name in (*figures, *lessons))
    return f'<ul class="beside" aria-label="Figures and lessons">{items}</ul>' if items else ""
