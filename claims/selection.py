"""Which claims people mean: by id, code, paper, place in a paper, or words; and what is nearest if it is none.

A word is looked for in a claim's id, headline and place, and in the names of the papers whose ledgers list it; an
author's name means that author's papers alone. Words and places of one pattern are looked for together: in "fixup
theorem 2", theorem 2 is Fixup's. A section has all that stands below its heading.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from claims.ledger import Ledger
from claims.places import KINDS, Place, places, within, without_places
from claims.registry import Claim

WHOLE = 3
"""A word of so few letters must be there as a word; a longer one may be a part of another."""
HEADINGS = ("section", "appendix", "chapter")


@dataclass(frozen=True)
class Appearance:
    """A claim as it stands in one paper."""

    claim: Claim
    authors: frozenset[str]
    places: tuple[Place, ...]
    text: str


class Finder:
    """Finds claims by what people type, among `claims` and their places in `papers`."""

    def __init__(self, claims: Iterable[Claim], papers: Iterable[Ledger]) -> None:
        self.claims, self.papers = list(claims), list(papers)
        self.appearances = [*self._in_ledgers(), *self._by_themselves()]
        self.authors = frozenset(author for one in self.appearances for author in one.authors)

    def chosen(self, pattern: str) -> list[Claim]:
        """Return the claims that a pattern means, in their order; none if it means none.

        A claim's id or code means the claims that have it, and a pattern with wildcards what it fits (see
        `Claim.matches`).
        """
        exact = [claim for claim in self.claims if claim.matches(pattern)]
        if exact or re.search(r"[*?[]", pattern):
            return exact
        words, asked = without_places(pattern).split(), places(pattern)
        if not asked and all(re.fullmatch(r"[\W\d]*", word) for word in words):
            return []  # a mere number is in every paper
        fitting = {one.claim.id for one in self.appearances if self._fits(one, words, asked)}
        return [claim for claim in self.claims if claim.id in fitting]

    def nearest(self, pattern: str) -> str:
        """Return what a pattern that means no claim may have meant, or an empty text."""
        words, asked = without_places(pattern).split(), places(pattern)
        if not re.search(r"[^\W\d]", pattern):
            return ""
        vocabulary = {word for one in self.appearances for word in _words(one.text)} | self.authors
        known = [word if self.chosen(word) else _close(word, vocabulary) for word in words]
        candidates = [" ".join(_close(word, KINDS) or word for word in pattern.lower().split())]
        candidates += [" ".join([*known, *map(" ".join, asked)])] if all(known) else []
        there = {place for one in self.appearances if self._fits(one, filter(None, known), ()) for place in one.places}
        for kind, number in asked:
            numbers = sorted(
                {other for other_kind, other in there if other_kind == kind}, key=partial(_distance, number)
            )
            candidates += [" ".join([*filter(None, known), kind, numbers[0]])] if numbers else []
        names = {name.lower(): name for claim in self.claims for name in (*claim.codes, claim.id)}
        candidates.append(names.get(_close(pattern.lower(), names), ""))
        return next((one for one in candidates if one != pattern.lower() and self.chosen(one)), "")

    def _fits(self, one: Appearance, words: Iterable[str], asked: Sequence[Place]) -> bool:
        named = all(word in one.authors if word in self.authors else _has(one.text, word) for word in words)
        return named and all(any(within(place, other) for other in one.places) for place in asked)

    def _in_ledgers(self) -> Iterator[Appearance]:
        for paper in self.papers:
            heading: tuple[Place, ...] = ()
            for item in paper.items:
                here = tuple(places(item.place))
                heading = tuple(place for place in here if place[0] in HEADINGS) or heading
                for claim in self.claims:
                    if set(claim.codes) & set(item.claims):
                        text = _text(claim, item.place, *paper.names)
                        yield Appearance(claim, _authors(paper.key, *paper.names), (*here, *heading), text)

    def _by_themselves(self) -> Iterator[Appearance]:
        """Yield claims with the paper and the place that they name, whatever stands in the ledgers."""
        for claim in self.claims:
            keys = [paper.key for paper in self.papers if paper.bears(claim.paper)]
            text = _text(claim, claim.where, claim.paper)
            yield Appearance(claim, _authors(*keys, claim.paper), tuple(places(claim.where)), text)


def _text(claim: Claim, place: str, *names: str) -> str:
    return " ".join((claim.id, claim.words, without_places(place), *names)).lower()


def _words(text: str) -> list[str]:
    """Return the words of a text; those of an id are apart, too."""
    return re.findall(r"[^\W\d_][^\W_]*", text)


def _authors(*names: str) -> frozenset[str]:
    """Return the surnames in names such as "Glorot & Bengio 2010", and single words, which are keys of ledgers."""
    before = " ".join(re.split(r"\(|$", name)[0] for name in names if re.search(r"\d{4}|^\w+$", name)).lower()
    return frozenset(word for word in re.findall(r"[^\W\d]+", before) if word not in ("and", "et", "al"))


def _has(text: str, word: str) -> bool:
    return word in text if len(word) > WHOLE else bool(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text))


def _distance(number: str, other: str) -> tuple[float, str]:
    """Order numbers of places by how far they are from `number`, then by name."""
    try:
        return abs(float(number) - float(other)), other
    except ValueError:
        return 10 * (1 - difflib.SequenceMatcher(None, number, other).ratio()), other


def _close(word: str, known: Iterable[str]) -> str:
    return next(iter(difflib.get_close_matches(word, sorted(known), n=1)), "")
