"""The report as one self-contained HTML page: verdicts, statements, derivations, evidence as pictures, mutants.

Nothing is fetched: styles and script stand in the page, and formulas are MathML. Needs the `report` extra.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from html import escape
from importlib import metadata
from pathlib import Path

from claims.catalogue import REGISTRY, question
from claims.examine import Result
from claims.reports import summary
from claims.reports.card import card
from claims.reports.listing import by_subject
from claims.reports.paper import papers
from claims.reports.style import sheet
from claims.reports.terminal import totals
from claims.reports.words import scientific
from claims.run import Effort
from simulations import Inputs

ABOUT = (
    "Every claim is derived, measured and attacked: it must hold, and its wrong versions, the mutants, must be refuted "
    "by the same evidence."
)
BY_PAPER = 'Holding a paper? Its statements stand <a href="#papers">one by one</a> below.'
"""Said where there are papers below."""
PLACE = (
    "Links to figures and lessons lead somewhere if this page lies in Fathom’s top folder, as `make report` puts it."
)


def render(results: Sequence[Result], inputs: Inputs, seed: int, effort: Effort, seconds: float) -> str:
    """Return the page.

    Raises
    ------
    MissingLibraryError
        If latex2mathml is not installed.
    """
    of = {result.claim_id: result for result in results}
    groups = [(name, [of[one.id] for one in group]) for name, group in by_subject([REGISTRY[id] for id in of])]
    verdict, *about = totals(results, inputs, seed, effort, seconds)
    libraries = ", ".join(f"{name} {metadata.version(name)}" for name in ("numpy", "scipy", "sympy"))
    about += [f"Python {platform.python_version()}, {libraries}", PLACE]
    by_paper = list(papers(results))
    script = Path(__file__).with_name("page.js").read_text(encoding="utf-8")
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Fathom: {escape(verdict)}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">',
        f'<style>{sheet("base", "page")}</style></head><body><a class="skip" href="#claims">Skip to the claims</a>',
        f'<header><div><h1>Fathom</h1><p class="about">{ABOUT} {BY_PAPER if by_paper else ""}</p></div>',
        *summary.tiles(results),
        "</header>",
        *summary.troubles(results),
        *summary.glance(groups),
        *summary.filters(groups),
        *by_paper,
        '<main id="claims" tabindex="-1">',
    ]
    for subject, group in groups:
        parts.append(f'<section id="{subject}"><h2>{summary.title(subject)}</h2><p>{escape(question(subject))}</p>')
        parts += [part for result in group for part in card(REGISTRY[result.claim_id], result)]
        parts.append("</section>")
    told = "".join(f"<li>{escape(scientific(line))}</li>" for line in about)
    parts.append(f'</main><footer><h2>This run</h2><ul class="quiet">{told}</ul></footer><script>{script}</script>')
    return "\n".join([*parts, "</body></html>\n"])
