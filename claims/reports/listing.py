"""The list of all claims: in lines for the terminal, and as the tables of docs/catalogue.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from claims import links
from claims.catalogue import LETTERS, question
from claims.registry import Claim
from theory.derivation import Derivation

HEAD = """# Catalogue of claims

Every claim that `make checks` derives, measures and attacks, by subject. The letter of a code says what the claim is
about; the number is a running number. Two claims with one code check one statement in two ways. *Exact*: what is
tested is true at the sizes tested, not only in a limit. *Asymptotic*: the statement holds in a limit, or has no closed
form; the claim says what is known of the rest.

`python paper_checks.py --only R2` runs the claims of a code, `--only 'residual.*'` those of a subject, `--paper fixup`
those of a paper, by its own table of contents.
`python paper_checks.py --list --markdown` writes this page.
"""
COLUMNS = ("code", "statement", "id", "file", "theory", "paper and place", "exact", "figure", "lesson")


def lines(claims: Sequence[Claim]) -> Iterator[str]:
    """Yield what the letters of the codes mean, then the claims, by subject."""
    letters = {code[0] for claim in claims for code in claim.codes}
    yield "The letter of a code says what a claim is about:"
    yield from (f"  {letter}  {meaning}" for letter, meaning in LETTERS.items() if letter in letters)
    for subject, group in by_subject(claims):
        yield ""
        yield f"{subject}: {question(subject)}"
        yield from (
            f"  {claim.id}  [{' '.join(claim.codes)}]  {claim.words}  ({claim.paper}, {claim.where})" for claim in group
        )


def markdown(claims: Sequence[Claim]) -> str:
    """Return the claims as Markdown, a table a subject, with links that hold in docs/."""
    letters = "\n".join(f"| {letter} | {meaning} |" for letter, meaning in LETTERS.items())
    parts = [HEAD, f"| letter | about |\n|---|---|\n{letters}\n"]
    for subject, group in by_subject(claims):
        rows = "\n".join(_row(_cells(claim)) for claim in group)
        rule = "|".join("---" for _ in COLUMNS)
        parts.append(f"## {subject}\n\n{question(subject)}\n\n{_row(COLUMNS)}\n|{rule}|\n{rows}\n")
    return "\n".join(parts)


def by_subject(claims: Sequence[Claim]) -> list[tuple[str, list[Claim]]]:
    """Group claims by subject, in the order of the catalogue."""
    subjects = dict.fromkeys(claim.subject for claim in claims)
    return [(subject, [claim for claim in claims if claim.subject == subject]) for subject in subjects]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(claim: Claim) -> tuple[str, ...]:
    files = dict.fromkeys(_theory_file(derive) for derive in claim.derivations)
    figures, lessons = (links.linked(which, claim.codes) for which in (links.FIGURES, links.LESSONS))
    cells = (
        " ".join(claim.codes),
        claim.words,
        f"`{claim.id}`",
        _link(_file(claim.check.__module__)),
        ", ".join(_link(file) for file in files),
        f"{claim.paper}, {claim.where}",
        "exact" if claim.exact else "asymptotic",
        ", ".join(_link(links.picture(one), links.spoken(one)) for one in figures),
        ", ".join(_link(links.notebook(one), links.spoken(one)) for one in lessons),
    )
    return tuple(cell.replace("|", "\\|").replace("*", "\\*") for cell in cells)


def _link(address: str, text: str = "") -> str:
    return f"[{text or address}](../{address})"


def _file(module: str) -> str:
    return f"{module.replace('.', '/')}.py"


def _theory_file(derive: Callable[[], Derivation]) -> str:
    """Return the file in which a derivation stands, also where the claim gives it arguments."""
    return _file((derive.func if isinstance(derive, partial) else derive).__module__)
