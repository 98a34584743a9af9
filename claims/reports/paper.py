"""The papers on the page: each one's table of contents, with verdicts that lead to the cards of its claims."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape

from claims import links
from claims.catalogue import REGISTRY
from claims.examine import Result
from claims.ledger import Item, Ledger, ledgers
from claims.reports.contents import counts, outcome
from claims.reports.words import MARKS, spaced, status


def papers(results: Sequence[Result]) -> Iterator[str]:
    """Yield a fold a paper, of those papers whose claims are all among `results`."""
    ran = {code for result in results for code in REGISTRY[result.claim_id].codes}
    shown = [one for one in ledgers().values() if one.codes and set(one.codes) <= ran]
    if not shown:
        return
    yield '<section id="papers"><div class="heading"><h2>Papers</h2><p class="legend">Every numbered statement, in the '
    yield "paper’s order. A corrected one is wrong as printed or holds only in a limit; its mark is that of the "
    yield "correction.</p></div>"
    for one in shown:
        yield from _paper(one, results)
    yield "</section>"


def _paper(ledger: Ledger, results: Sequence[Result]) -> Iterator[str]:
    yield f"<details><summary><b>{escape(ledger.name)}</b> {escape(ledger.title)} "
    yield f'<span class="quiet counts">{counts(ledger)}</span></summary>'
    yield f'<p class="quiet">Read: {escape(ledger.read)}.</p><ol class="contents" id="paper-{ledger.key}">'
    for item in ledger.items:
        yield from _item(ledger, item, results)
    yield "</ol></details>"


def _item(ledger: Ledger, item: Item, results: Sequence[Result]) -> Iterator[str]:
    found = outcome(item, results)
    anchor = re.sub(r"[^a-z0-9.]+", "-", f"{ledger.key}-{item.place}".lower())
    mark = f'<strong class="badge {found}" aria-hidden="true">{MARKS[found]}</strong>' if found else ""
    said = f"{item.verdict}, {found}" if found else item.verdict
    yield f'<li id="{anchor}" {_attributes(ledger, item, found)}><b class="place">{escape(item.place)}</b>'
    yield f"<div><p>{escape(spaced(item.says))}</p>"
    if item.correction:
        yield f'<p><b class="corrected">Corrected:</b> {escape(spaced(item.correction))}</p>'
    reason = escape(f": {item.unchecked}") if item.unchecked else ""
    yield f'<p class="quiet"><span class="said">{mark} {said}{reason}</span> '
    yield " ".join(_beside(item, results))
    yield "</p></div></li>"


def _attributes(ledger: Ledger, item: Item, found: str) -> str:
    """Return what the filters look at, as for cards."""
    subjects = [claim.subject for claim in REGISTRY.values() if set(claim.codes) & set(item.claims)]
    about = {
        "claim": "",
        "subject": "|".join(dict.fromkeys(subjects)),
        "verdict": found,
        "papers": "|".join(part for name in ledger.names for part in name.split("; ")),
        "text": " ".join((ledger.key, *ledger.names, item.place, item.says, *item.claims)).lower(),
    }
    return " ".join(f'data-{name}="{escape(value, quote=True)}"' for name, value in about.items())


def _beside(item: Item, results: Sequence[Result]) -> Iterator[str]:
    """Yield links to the cards of an item's claims, and to its figures and lessons."""
    for result in results:
        claim, name = REGISTRY[result.claim_id], status(result)
        if set(claim.codes) & set(item.claims):
            says = escape(f"{claim.words} {name.capitalize()}.", quote=True)
            mark = f'<span class="{name}">{MARKS[name]}</span>'
            yield f'<a href="#{claim.id}" title="{says}">{mark} {" ".join(claim.codes)}</a>'
    for one in links.linked(links.FIGURES, item.claims):
        yield f'<a href="{links.picture(one)}">figure {escape(links.spoken(one))}</a>'
    for one in links.linked(links.LESSONS, item.claims):
        yield f'<a href="{links.notebook(one)}">lesson {escape(links.spoken(one).partition(",")[0])}</a>'
