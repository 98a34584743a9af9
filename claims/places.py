"""Places in a paper, as it prints them and as people type them: "theorem 2", "eqs. 9 and 10", "appendix B.1"."""

from __future__ import annotations

import re

KINDS = {
    "algorithm": ("algorithms", "alg"),
    "appendix": ("appendices", "app"),
    "assumption": ("assumptions",),
    "chapter": ("chapters", "ch"),
    "conclusion": ("conclusions",),
    "condition": ("conditions", "cond"),
    "conjecture": ("conjectures",),
    "corollary": ("corollaries", "cor"),
    "definition": ("definitions", "def"),
    "equation": ("equations", "eq", "eqs", "eqn"),
    "example": ("examples",),
    "figure": ("figures", "fig", "figs"),
    "lemma": ("lemmas", "lem"),
    "proposition": ("propositions", "prop"),
    "remark": ("remarks",),
    "rule": ("rules",),
    "section": ("sections", "sec", "secs", "sect", "§"),
    "statement": ("statements",),
    "table": ("tables", "tab"),
    "theorem": ("theorems", "thm", "th"),
}
"""What is numbered in papers, each with its plural and its short forms."""

Place = tuple[str, str]
"""A kind and a number: ("equation", "12"), ("appendix", "b.1")."""

_KIND = {form: kind for kind, forms in KINDS.items() for form in (kind, *forms)}
_WORD = "|".join(sorted(map(re.escape, _KIND), key=len, reverse=True))
_NUMBER = r"\(?(?:[a-z]{1,4}\.)?\d+(?:\.\d+)*[a-d]?\)?"
_LETTER = r"[a-z](?![\w'’])"
_AND = r"\s*(?:,\s*and\b|,|\band\b|\bor\b|\bto\b|–|-)\s*"


def _listed(word: str, number: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])({word})\.?\s*((?:{number})(?:{_AND}(?:{number}))*)")


_NUMBERED = _listed(_WORD, _NUMBER)
_LETTERED = _listed("appendix|appendices|app", rf"{_NUMBER}|{_LETTER}")


def places(text: str) -> list[Place]:
    """Return the places that a text names; ranges such as "equations 11 to 14" are spelt out."""
    found = [(match[1], match[2]) for form in (_NUMBERED, _LETTERED) for match in form.finditer(text.lower())]
    return list(dict.fromkeys((_KIND[word], number) for word, numbers in found for number in _spelt_out(numbers)))


def without_places(text: str) -> str:
    """Return a text in small letters without the places that it names."""
    return _NUMBERED.sub(" ", _LETTERED.sub(" ", text.lower()))


def within(asked: Place, place: Place) -> bool:
    """Say whether a place is the one that is asked for, or a part of that section or appendix."""
    return asked == place or (asked[0] == place[0] and place[1].startswith(f"{asked[1]}."))


def _spelt_out(numbers: str) -> list[str]:
    """Return the numbers of a list: "9, 11 to 13" has four."""
    spelt: list[str] = []
    for part in re.split(r"\s*(?:,\s*and\b|,|\band\b|\bor\b)\s*", numbers):
        first, *last = re.split(r"\s*(?:\bto\b|–|-)\s*", part.replace("(", "").replace(")", ""))
        whole = bool(last) and first.isdigit() and last[0].isdigit()
        spelt += [str(number) for number in range(int(first), int(last[0]) + 1)] if whole else [first, *last]
    return spelt
