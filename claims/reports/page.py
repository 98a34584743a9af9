"""The report as one self-contained HTML page: verdicts, statements, derivations, evidence as pictures, mutants.

Formulas are MathML, which browsers typeset by themselves; nothing is fetched. Needs the `report` extra (latex2mathml).
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Sequence
from html import escape
from importlib import metadata

import sympy as sp

from claims.catalogue import REGISTRY
from claims.examine import Result
from claims.registry import Claim
from claims.reports.picture import picture
from claims.reports.terminal import papers, size, text, totals
from claims.run import Effort
from evidence import Finding
from simulations import Inputs
from theory.derivation import Derivation

MARKS = {"held": "✓", "refuted": "✗", "inconclusive": "?"}

STYLE = """
:root { color-scheme: light; --ink: #111; --quiet: #555; --line: #bbb; --band: #ddd; }
body { font: 18px/1.5 Georgia, "DejaVu Serif", serif; color: var(--ink); }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 2.2rem; margin-bottom: 0; } h2 { border-bottom: 2px solid var(--ink); margin-top: 3rem; }
h3 { margin: 2.5rem 0 .3rem; } h4 { margin: 1.2rem 0 .2rem; }
a { color: inherit; } a:focus, main:focus { outline: 3px solid var(--ink); outline-offset: 2px; }
.skip { position: absolute; top: -9rem; } .skip:focus { position: static; }
table { border-collapse: collapse; width: 100%; font-size: .85rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .5rem; border-bottom: 1px solid var(--line); }
td.number { text-align: right; }
td.number, td.verdict { white-space: nowrap; }
.quiet { color: var(--quiet); font-size: .85rem; }
.states { display: block; margin: .8rem 0; padding: .6rem 1rem; border-left: 4px solid var(--ink); overflow-x: auto; }
ol.steps { list-style-position: inside; padding: 0; }
ol.steps > li { margin: .4rem 0; overflow-x: auto; } .steps math, .states math { font-size: 1.1em; }
math { font-family: "STIX Two Math", "Latin Modern Math", "Cambria Math", math; }
svg { max-width: 100%; height: auto; }
@media print {
  body { font-size: 11pt; max-width: none; margin: 0; } h3, h4 { break-after: avoid; }
  svg, table, li { break-inside: avoid; } a { text-decoration: none; }
}
"""


class MissingLibraryError(ImportError):
    """The library that typesets formulas is not installed."""


def render(results: Sequence[Result], inputs: Inputs, seed: int, effort: Effort, seconds: float) -> str:
    """Return the page.

    Raises
    ------
    MissingLibraryError
        If latex2mathml is not installed.
    """
    held = sum(result.finding.verdict == "held" for result in results)
    mutants, refuted = sum(len(result.mutants) for result in results), sum(result.refuted for result in results)
    title = f"Fathom: {held} of {len(results)} claims held, {refuted} of {mutants} mutants refuted"
    libraries = ", ".join(f"{name} {metadata.version(name)}" for name in ("numpy", "scipy", "sympy"))
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>',
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>',
        f'<a class="skip" href="#claims">Skip to the claims</a><h1>Fathom</h1><p>{escape(title)}.</p><ul>',
        *(f"<li>{escape(line)}</li>" for line in totals(results, inputs, seed, effort, seconds)),
        f"<li>Python {platform.python_version()}, {libraries}</li></ul>",
        "<p>A claim is derived, measured and attacked: it must hold, and its wrong versions, the mutants, must be "
        "refuted by the same evidence. In the pictures the dot is the claim and the crosses are its mutants.</p>",
        *_table(results),
        '<main id="claims" tabindex="-1">',
    ]
    for paper, group in papers(results):
        parts.append(f"<h2>{escape(paper)}</h2>")
        parts += [part for result in group for part in _article(REGISTRY[result.claim_id], result)]
    return "\n".join([*parts, "</main></body></html>\n"])


def _table(results: Sequence[Result]) -> Iterator[str]:
    heads = ("claim", "evidence", "expected", "measured", "sees", "verdict", "mutants refuted")
    yield (
        '<table id="verdicts"><thead><tr>' + "".join(f'<th scope="col">{head}</th>' for head in heads) + "</tr></thead>"
    )
    for paper, group in papers(results):
        yield f'<tbody><tr><th scope="rowgroup" colspan="{len(heads)}">{escape(paper)}</th></tr>'
        for result in group:
            claim, found = REGISTRY[result.claim_id], result.finding
            yield (
                f'<tr><td><a href="#{claim.id}">{escape(claim.words)}</a> {" ".join(claim.codes)}</td>'
                f'<td>{found.kind}</td>{_numbers(found)}<td class="verdict">{MARKS[found.verdict]} {found.verdict}</td>'
                f'<td class="number">{result.refuted} of {len(result.mutants)}</td></tr>'
            )
        yield "</tbody>"
    yield "</table>"


def _numbers(found: Finding) -> str:
    shown = (text(found.expected), text(found.measured), size(found.detectable))
    return "".join(f'<td class="number">{escape(number)}</td>' for number in shown)


def _article(claim: Claim, result: Result) -> Iterator[str]:
    rest = "\n".join((claim.check.__doc__ or "").splitlines()[1:]).strip()
    kind = "exact" if claim.exact else "asymptotic or of first order, with a bound on what is left out"
    yield f'<article id="{claim.id}"><h3>{escape(claim.words)}</h3>'
    yield f'<p class="quiet">{" ".join(claim.codes)} · {escape(claim.where)} · {claim.id} · {kind}</p>'
    yield f'<div class="states">{formula(claim.states)}</div><p>{escape(rest)}</p>'
    for derivation in claim.derivations:
        yield from _derivation(derivation())
    found = result.finding
    yield f"<h4>Evidence: {escape(found.kind)}</h4>"
    yield f"<p>{MARKS[found.verdict]} {found.verdict}: expected {escape(text(found.expected))}, measured "
    yield f"{escape(text(found.measured))}; sees {escape(size(found.detectable))}. {escape(found.note)}</p>"
    yield picture(result)
    yield "<h4>Mutants</h4><table><thead><tr>"
    yield "".join(
        f'<th scope="col">{head}</th>' for head in ("wrong version", "what it confuses", "verdict", "would survive")
    )
    yield "</tr></thead><tbody>"
    for mutant, (name, wrong) in zip(claim.mutants, result.mutants, strict=True):
        yield (
            f'<tr class="mutant"><td>{escape(name)}</td><td>{escape(mutant.why)}</td>'
            f'<td class="verdict">{MARKS[wrong.verdict]} {wrong.verdict}</td>'
            f'<td class="number">{_chance(wrong)}</td></tr>'
        )
    yield "</tbody></table></article>"


def _chance(found: Finding) -> str:
    return "never" if found.miss == 0 else f"p ≤ {found.miss:.0e}"


def _derivation(derivation: Derivation) -> Iterator[str]:
    yield f'<h4>{escape(derivation.title)}</h4><ol class="steps">'
    for step, verified in zip(derivation.steps, derivation.check(), strict=True):
        yield (
            f'<li>{escape(step.says)} {formula(sp.latex(step.statement))} <span class="quiet">({verified})</span></li>'
        )
    yield "</ol>"


def formula(latex: str) -> str:
    """Return LaTeX as MathML, whose brackets grow by themselves."""
    try:
        from latex2mathml.converter import convert
    except ImportError:
        raise MissingLibraryError(
            "--html needs the library latex2mathml: use `make report`, or pip install 'fathom-init[report]'"
        ) from None
    return str(convert(re.sub(r"\\[Bb]igg?[lrm]?(?![a-z])", "", latex), display="block"))
