"""The words of a lesson: a text file of named sections, with places for numbers, kept apart from the code.

A section begins with a line ``<!-- name -->``. ``[[depth]]`` is a place for a value. The section `labels` has one
``name: text`` a line: sliders, axes, column heads. Words that all lessons share are in ``common.md``. Each language has
a folder with the same files, sections, labels and places. Sentences that other parts of Fathom have in English (those
of derivations, claims and figures) are the names of the sections in which another language has them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path

from lessons.tools.language import ENGLISH, spoken

FOLDER = Path(__file__).parents[1] / "prose"
"""It has a folder for each language."""
SECTION = re.compile(r"^<!-- (.+?) -->\n", re.MULTILINE)
PLACE = re.compile(r"\[\[(\w+)\]\]")
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")


class ProseError(KeyError):
    """A section, a label or a value that is missing, with the file that should have it."""


class Prose:
    """One lesson's text file in one language: by default in that of the lesson that runs in this thread."""

    def __init__(self, name: str, folder: Path | None = None, *, language: str | None = None) -> None:
        self.name, self.language = name, language or spoken()
        self.path = (folder or FOLDER / self.language) / f"{name}.md"

    @cached_property
    def sections(self) -> dict[str, str]:
        """Sections by name, in the order of the file."""
        if not self.path.exists():
            raise ProseError(f"there is no prose/{self.language}/{self.path.name}; write it, section by section")
        before, *pairs = SECTION.split(self.path.read_text(encoding="utf-8"))
        names = pairs[::2]
        if before.strip() or len(set(names)) < len(names):
            raise ProseError(f"{self.path.name} has text before its first section, or two sections of one name")
        return {name: text.strip() for name, text in zip(names, pairs[1::2], strict=True)}

    @cached_property
    def labels(self) -> dict[str, str]:
        """Short texts by name."""
        lines = self.sections.get("labels", "").splitlines()
        return {name.strip(): text.strip() for name, _, text in (line.partition(":") for line in lines) if text}

    def text(self, section: str, /, **values: object) -> str:
        """Return a section with its places filled.

        Raises
        ------
        ProseError
            If there is no such section, or a place has no value.
        """
        if section not in self.sections:
            raise ProseError(f"{self.path.name} has no section {section!r}")
        words = {name: self.word(one) if isinstance(one, str) else one for name, one in values.items()}
        return filled(self.sections[section], words, where=f"{self.path.name}, section {section!r}")

    def label(self, name: str) -> str:
        """Return a short text.

        Raises
        ------
        ProseError
            If the section `labels` has no such line.
        """
        if name not in self.labels:
            raise ProseError(f"{self.path.name} has no label {name!r}")
        return self.labels[name]

    def word(self, text: str) -> str:
        """Return what a simulation calls something ("diverged") as the label `word TEXT` has it, or else as it is."""
        return self.labels.get(f"word {text}", text)

    @property
    def common(self) -> Prose:
        """What all lessons share, in the same language."""
        return common(self.language)


def common(language: str | None = None) -> Prose:
    """Return what all lessons share, by default in the language of the lesson that runs in this thread."""
    return _read("common", language or spoken())


@cache
def _read(name: str, language: str) -> Prose:
    return Prose(name, language=language)


def translated(sentence: str, kind: str, language: str | None = None) -> str:
    """Return a sentence that another part of Fathom has in English; as it is, where `kind`.md does not have it.

    A sentence with numbers may be there with # in the place of each. `python -m lessons.tools.untranslated` lists those
    that are missing, and a test finds them.
    """
    wanted = language or spoken()
    if wanted == ENGLISH:
        return sentence
    there = _read(kind, wanted).sections
    if plain(sentence) in there:
        return there[plain(sentence)]
    numbers = iter(NUMBER.findall(sentence))
    return re.sub("#", lambda _: next(numbers), there.get(without_numbers(sentence), sentence))


def without_numbers(sentence: str) -> str:
    """Return a sentence in one line with # in the place of each number."""
    return NUMBER.sub("#", plain(sentence))


def plain(sentence: str) -> str:
    """Return a sentence in one line, as sections are named after it."""
    return " ".join(sentence.split())


def filled(text: str, values: Mapping[str, object], where: str) -> str:
    """Put values in their places; numbers are written as `typeset` writes them."""

    def value(place: re.Match[str]) -> str:
        if place[1] not in values:
            raise ProseError(f"{where} has a place [[{place[1]}]] and no value for it")
        one = values[place[1]]
        return one if isinstance(one, str) else typeset(one)

    return PLACE.sub(value, text)


def typeset(value: object, digits: int = 3) -> str:
    """Write a number to so many digits, with a power of ten only where zeros would be counted: 2.1 × 10⁶."""
    text = f"{float(str(value)):.{digits}g}"
    mantissa, _, exponent = text.partition("e")
    if exponent:
        superscript = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        if int(exponent) not in range(-4, 7):
            return f"{mantissa} × 10{superscript}"
        text = f"{float(text):,.0f}" if int(exponent) > 0 else text
    return text.replace("-", "−")
