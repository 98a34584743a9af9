"""The words of a lesson: a text file of named sections, with places for numbers, kept apart from the code.

A section begins with a line ``<!-- name -->``. ``[[depth]]`` is a place for a value. The section `labels` has one
``name: text`` a line: sliders, axes, column heads. Words that all lessons share are in ``common.md``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "prose" / "en"
SECTION = re.compile(r"^<!-- (.+?) -->\n", re.MULTILINE)
PLACE = re.compile(r"\[\[(\w+)\]\]")


class ProseError(KeyError):
    """A section, a label or a value that is missing, with the file that should have it."""


class Prose:
    """One lesson's text file."""

    def __init__(self, name: str, folder: Path = FOLDER) -> None:
        self.name, self.path = name, folder / f"{name}.md"

    @cached_property
    def sections(self) -> dict[str, str]:
        """Sections by name, in the order of the file."""
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
        return filled(self.sections[section], values, where=f"{self.path.name}, section {section!r}")

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


COMMON = Prose("common")
