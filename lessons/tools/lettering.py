"""The font of plots: Matplotlib's own, and for Chinese the one in ``lessons/fonts`` (`lessons.tools.font` makes it)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from lessons.tools.prose import ProseError

FONT = Path(__file__).parents[1] / "fonts" / "chinese.otf"
FAMILY = "Fathom Chinese"
FIRST = 0x2E80
"""The first code point of Chinese characters and their punctuation; all others are in Matplotlib's font."""


def families(texts: Iterable[str]) -> list[str]:
    """Return the fonts that texts need, in the order in which Matplotlib asks them for a glyph.

    Raises
    ------
    ProseError
        If no font has a character, of which a plot would show an empty box.
    """
    chinese = {one for text in texts for one in text if ord(one) >= FIRST}
    if not chinese:
        return ["DejaVu Sans"]
    if missing := sorted(one for one in chinese if ord(one) not in _glyphs()):
        raise ProseError(
            f"{FONT.name} has no glyphs for {''.join(missing)}; make it anew with python -m lessons.tools.font"
        )
    return [FAMILY, "DejaVu Sans"]


@cache
def _glyphs() -> frozenset[int]:
    """Make the font known to Matplotlib, and return the code points that it can write."""
    from matplotlib.font_manager import fontManager
    from matplotlib.ft2font import FT2Font

    fontManager.addfont(FONT)
    return frozenset(FT2Font(FONT).get_charmap())
