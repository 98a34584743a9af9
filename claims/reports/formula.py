"""Formulas as MathML, which browsers typeset by themselves. Needs the `report` extra (latex2mathml)."""

from __future__ import annotations

import re
from collections.abc import Callable

from claims.reports.wrapping import pieces

VARIANTS = {
    ("double-struck", "E"): "𝔼",
    ("double-struck", "R"): "ℝ",
    ("sans-serif", "T"): "𝖳",
    ("script", "N"): "𝒩",
    ("bold", "1"): "𝟏",
}
"""Letters that browsers take from the alphabet of their style only, MathML Core having no other variant than normal."""


class MissingLibraryError(ImportError):
    """The library that typesets formulas is not installed."""


def formula(latex: str) -> str:
    """Return LaTeX as MathML, whose brackets grow by themselves; a long formula in pieces, where lines may end.

    Raises
    ------
    MissingLibraryError
        If latex2mathml is not installed.
    """
    convert = _convert()
    parts = pieces(re.sub(r"\\[Bb]igg?[lrm]?(?![a-z])", "", latex))
    if len(parts) == 1:
        return _lettered(convert(parts[0], display="block"))
    # Empty braces before an operator make it one between two things, as it was.
    return " ".join(
        _lettered(convert(f"{{}}{part}", display="inline")).replace("<math ", '<math displaystyle="true" ', 1)
        for part in parts
    )


def inline(latex: str) -> str:
    """Return LaTeX as MathML within a sentence.

    Raises
    ------
    MissingLibraryError
        If latex2mathml is not installed.
    """
    return _lettered(_convert()(latex, display="inline"))


def _convert() -> Callable[..., str]:
    try:
        from latex2mathml.converter import convert
    except ImportError:
        raise MissingLibraryError(
            "--html needs the library latex2mathml: use `make report`, or pip install 'fathom-init[report]'"
        ) from None
    found: Callable[..., str] = convert
    return found


def _lettered(mathml: object) -> str:
    return re.sub(r' mathvariant="(?!normal)([\w-]+)">(\w)<', _letter, str(mathml))


def _letter(found: re.Match[str]) -> str:
    return f">{VARIANTS.get((found[1], found[2]), found[2])}<"
