"""The ledger of a paper: its numbered statements in the paper's order, each with what Fathom has and its verdict.

A ledger is a file of data, ``claims/papers/KEY.toml``; the verdict of an item follows from what stands there, and its
figures and lessons follow from its claims.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

Verdict = Literal["checked", "corrected", "not checked"]

FOLDER = Path(__file__).with_name("papers")
HEAD = {"name": str, "also": list, "title": str, "year": int, "read": str, "item": list}
"""The keys of a ledger; `also` (further spellings of the claims) and `year` may be absent."""
ITEM = {"place": str, "says": str, "claims": list, "correction": str, "unchecked": str}
"""The keys of an item; place and statement are needed, and either claims or the reason why there are none."""


class LedgerError(ValueError):
    """A ledger's file is not of the form of a ledger."""


@dataclass(frozen=True)
class Item:
    """A statement of a paper: where it is printed, what it says in our words, and the codes that check it."""

    place: str
    says: str
    claims: tuple[str, ...] = ()
    correction: str = ""
    unchecked: str = ""

    @property
    def verdict(self) -> Verdict:
        """Whether claims check the statement as it is printed, check a corrected one, or there are none."""
        return "corrected" if self.correction else "checked" if self.claims else "not checked"


@dataclass(frozen=True)
class Ledger:
    """A paper and its items."""

    key: str
    names: tuple[str, ...]
    title: str
    year: int | None
    read: str
    items: tuple[Item, ...]

    @property
    def name(self) -> str:
        """The paper as most claims spell it."""
        return self.names[0]

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of all items, each once, in the paper's order."""
        return tuple(dict.fromkeys(code for item in self.items for code in item.claims))

    def count(self, verdict: Verdict) -> int:
        """Return how many items have a verdict."""
        return sum(item.verdict == verdict for item in self.items)

    def bears(self, paper: str) -> bool:
        """Say whether this is the ledger of a paper as a claim spells it, or of one of those it names."""
        return bool({paper, *paper.split("; ")} & set(self.names))


@cache
def ledgers() -> Mapping[str, Ledger]:
    """Return all ledgers by key, the oldest paper first; those without a year, which are no papers, come last."""
    found = [read(file) for file in FOLDER.glob("*.toml")]
    return {one.key: one for one in sorted(found, key=lambda one: (one.year is None, one.year, one.key))}


def stands(codes: Sequence[str]) -> list[str]:
    """Return where a claim of these codes stands: "fixup theorem 2", and so on."""
    found = ((one.key, item) for one in ledgers().values() for item in one.items)
    return [f"{key} {item.place}" for key, item in found if set(item.claims) & set(codes)]


def named(text: str) -> list[Ledger]:
    """Return the ledger of that key, or else all those that have every word of `text` in their key, names or title."""
    if text.lower() in ledgers():
        return [ledgers()[text.lower()]]
    words = text.lower().split()
    return [
        one
        for one in ledgers().values()
        if words and all(word in " ".join((one.key, one.title, *one.names)).lower() for word in words)
    ]


def read(file: Path) -> Ledger:
    """Read a ledger.

    Raises
    ------
    LedgerError
        If the file is no TOML, has a key that a ledger does not have, lacks one, or contradicts itself.
    """
    try:
        contents = tomllib.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise LedgerError(f"{file.name}: {error}") from None
    _check(contents, HEAD, {"also", "year"}, file.name)
    items = tuple(_item(one, f"{file.name}, item {number}") for number, one in enumerate(contents["item"], start=1))
    places = [item.place for item in items]
    if twice := sorted({place for place in places if places.count(place) > 1}):
        raise LedgerError(f"{file.name}: the place {twice[0]!r} stands twice; expected every place once")
    names = (contents["name"], *contents.get("also", ()))
    return Ledger(file.stem, names, contents["title"], contents.get("year"), contents["read"], items)


def _item(contents: dict[str, object], where: str) -> Item:
    _check(contents, ITEM, {"claims", "correction", "unchecked"}, where)
    codes = contents.get("claims", [])
    item = Item(**contents | {"claims": tuple(codes)})  # type: ignore[arg-type]
    if bool(item.claims) == bool(item.unchecked):
        raise LedgerError(f"{where} ({item.place}): expected either claims or a reason in unchecked")
    if item.correction and not item.claims:
        raise LedgerError(f"{where} ({item.place}): a correction needs the claims that show it")
    return item


def _check(contents: dict[str, object], known: Mapping[str, type], optional: set[str], where: str) -> None:
    if strange := sorted(contents.keys() - known.keys()):
        raise LedgerError(f"{where}: unknown key {strange[0]!r}; expected {', '.join(known)}")
    if missing := sorted(known.keys() - optional - contents.keys()):
        raise LedgerError(f"{where}: {missing[0]!r} is missing")
    for key, value in contents.items():
        entries = value if isinstance(value, list) else []
        wrong = not isinstance(value, known[key]) or value in ("", [])
        if wrong or not all(isinstance(one, dict if key == "item" else str) for one in entries):
            raise LedgerError(f"{where}: {key!r} is {value!r}; expected a {known[key].__name__}, not empty, of texts")
