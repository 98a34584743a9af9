"""Tables made from the registry and the lessons: the scope of every claim, the lessons; and from the ledgers."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence

from claims.catalogue import REGISTRY
from claims.ledger import Verdict, ledgers
from claims.registry import Claim
from lessons.tools.prose import FOLDER, Prose, common


def scope() -> str:
    """Return what is exact and what asymptotic: two tables, the asymptotic claims first."""
    asymptotic = [claim for claim in REGISTRY.values() if not claim.exact]
    exact = [claim for claim in REGISTRY.values() if claim.exact]
    return "\n".join(
        [
            f"### Asymptotic claims: {len(asymptotic)} of {len(REGISTRY)}\n",
            *_scopes(asymptotic),
            f"\n### Exact claims: {len(exact)} of {len(REGISTRY)}\n",
            *_scopes(exact),
        ]
    )


def _scopes(claims: Sequence[Claim]) -> list[str]:
    lines = ["| claim | what it speaks of, and under which assumptions |", "|---|---|"]
    return lines + [f"| {' '.join(claim.codes)} `{claim.id}` | {_escaped(scope_of(claim))} |" for claim in claims]


def scope_of(claim: Claim) -> str:
    """Return what follows the first line of the claim's docstring, as one paragraph."""
    return " ".join((inspect.getdoc(claim.check) or "").partition("\n")[2].split())


def _escaped(text: str) -> str:
    """Keep Markdown from reading marks into the text; code stays as it is."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([\\|*_<])", r"\\\1", words) for words in parts[::2]]
    return "`".join(parts)


def papers() -> str:
    """Return a table of the ledgers: what --paper calls them, how many items have which verdict, and their claims."""
    verdicts: tuple[Verdict, ...] = ("checked", "corrected", "not checked")
    head = ["| paper | `--paper` | checked | corrected | not checked | claims |", "|---|---|---|---|---|---|"]
    cells = [
        (one.name, key, *(str(one.count(verdict)) for verdict in verdicts), " ".join(one.codes))
        for key, one in ledgers().items()
    ]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in cells)])


def lessons() -> str:
    """Return a table of the lessons: title, minutes, and what each is about."""
    rows = {}
    for prose in (Prose(path.stem, language="en") for path in (FOLDER / "en").glob("*.md")):
        if {"title", "minutes"} <= prose.labels.keys():
            number, _, title = prose.label("title").partition(". ")
            rows[int(number)] = (
                f"| {number} | {title} | {prose.label('minutes')} | {common('en').label(f'idea {number}')} |"
            )
    head = ["| lesson | title | minutes | what it is about |", "|---|---|---|---|"]
    return "\n".join([*head, *(rows[number] for number in sorted(rows))])
