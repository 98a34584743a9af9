"""A paper's table of contents, with what Fathom has for each item: in lines, and after a run with its verdicts."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from claims import links
from claims.catalogue import REGISTRY
from claims.examine import Result
from claims.ledger import Item, Ledger, ledgers
from claims.reports.words import MARKS, status

WORST = ("refuted", "inconclusive", "survived", "held")
PLACE = 22
"""Columns that the places take."""


def counts(ledger: Ledger) -> str:
    """Return how many items are checked, corrected and not checked, as a phrase."""
    return ", ".join(f"{ledger.count(v)} {v}" for v in ("checked", "corrected", "not checked"))


def papers() -> Iterator[str]:
    """Yield a line a ledger: what --paper calls it, the paper, and its counts."""
    width = max(len(key) for key in ledgers())
    yield "The papers that --paper NAME knows, each with how many of its items are:"
    for key, ledger in ledgers().items():
        yield f"  {key:<{width}}  {ledger.name}: {counts(ledger)}"


def outcome(item: Item, results: Sequence[Result]) -> str:
    """Return the worst status of the item's claims among `results`; an empty text if one of them was not run."""
    if not item.claims:
        return ""
    ran = {result.claim_id: status(result) for result in results}
    asked = [claim.id for claim in REGISTRY.values() if set(claim.codes) & set(item.claims)]
    return min((ran[id] for id in asked), key=WORST.index) if set(asked) <= ran.keys() else ""


def lines(ledger: Ledger, results: Sequence[Result] = (), width: int = 120) -> Iterator[str]:
    """Yield the contents of a paper: place, statement and verdict, below them correction or reason, and what there is.

    Verdicts of claims stand where `results` have all claims of an item; `width` is the length of a line.
    """
    yield from textwrap.wrap(f"{ledger.name}: {ledger.title}", width)
    yield from textwrap.wrap(f"Read: {ledger.read}.", width)
    for item in ledger.items:
        found = outcome(item, results)
        verdict = f"{MARKS[found]} {found}, {item.verdict}" if found else item.verdict
        yield from _columns(item.place, f"{item.says} [{verdict}]", width)
        below = [f"Corrected: {item.correction}"] if item.correction else []
        below += [f"Not checked: {item.unchecked}."] if item.unchecked else [beside(item)]
        for text in below:
            yield from _columns("", text, width)
    yield f"{len(ledger.items)} items: {counts(ledger)}"


def beside(item: Item) -> str:
    """Return the claims of an item, and the figures and lessons that go with them."""
    figures = [links.spoken(name) for name in links.linked(links.FIGURES, item.claims)]
    lessons = [links.spoken(name) for name in links.linked(links.LESSONS, item.claims)]
    parts = {"claim": list(item.claims), "figure": figures, "lesson": [name.partition(",")[0] for name in lessons]}
    return "; ".join(f"{what}{'s' * (len(names) > 1)} {', '.join(names)}" for what, names in parts.items() if names)


def _columns(place: str, text: str, width: int) -> Iterator[str]:
    """Yield a text beside its place, which stands on a line of its own where it is long."""
    first, *rest = textwrap.wrap(text, width - PLACE)
    if len(place) >= PLACE:
        yield place
        place = ""
    yield f"{place:<{PLACE}}{first}"
    yield from (" " * PLACE + line for line in rest)
