"""A lesson's figure as a file that stands by itself: the picture, below it its caption and where it comes from."""

from __future__ import annotations

import re
from html import escape
from itertools import pairwise

from lessons.tools.lettering import FIRST
from lessons.tools.prose import Prose

SIZE = re.compile(r'width="([\d.]+)pt" height="([\d.]+)pt"')
"""As Matplotlib writes it, in points, of which an SVG file has three for four of its units."""
FONTS = "DejaVu Sans, Noto Sans CJK SC, PingFang SC, Microsoft YaHei, sans-serif"
MARGIN, LEADING = 16.0, 1.4
LATIN = 0.56
"""Width of a Latin character in the widest of these fonts, on average, as a share of its height."""
TEX = {
    r"\sqrt{v}": "√v", r"\,": "", r"\|": "‖", r"\rho": "ρ", r"\dots": "…", "x_1": "x₁", "x_n": "xₙ", "^2": "²",
    "^{-p}": "⁻ᵖ", " - ": " − ",
}  # fmt: skip
"""What captions write in formulas, as characters."""
MARKDOWN = re.compile(r"\$(.+?)\$|`(.+?)`|\*\*(\S.*?)\*\*|\*(\S.*?)\*|(?m:^- )")
"""What the prose writes with signs: formulas, code, bold and slanted words, and the beginning of an item."""
BREAK = re.compile(rf"[^\S\n]+|(?<=[{chr(FIRST)}-\uffff])(?=[^，。、；：？！）」”])")
"""Where a line may end: at a blank, or behind a Chinese character, but not before a mark."""


def button(drawn: bytes, caption: str, alt: str, prose: Prose, key: str) -> str:
    """Return a button that saves a lesson's drawing with its caption and the lesson's sources, in HTML.

    `caption` and `alt` are Markdown as in the prose. `save.js` puts the picture of the page between the two parts of
    `frame`, so that no page has it twice.
    """
    before, after = (escape(one, quote=True) for one in frame(drawn, caption, alt, prose))
    file = f"{prose.name}_{key}.svg".replace(" ", "_")
    label = escape(prose.common.label("save"))
    return f'<button type="button" data-save="{file}" data-before="{before}" data-after="{after}">{label}</button>'


def frame(drawn: bytes, caption: str, alt: str, prose: Prose) -> tuple[str, str]:
    """Return what stands before and behind a drawing's SVG in a file that also has its words."""
    size = SIZE.search(drawn.decode())
    if size is None:
        raise ValueError("no width and height in points were found; expected an SVG of Matplotlib")
    width, height = (4 / 3 * float(one) for one in size.groups())
    source = f"Fathom, {prose.label('title')}\n{prose.text('sources')}"
    said, below = _lines(plain(caption), 14, width, height + 21, "#000")
    listed, end = _lines(plain(source), 11, width, below + 8, "#555")
    before = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{end:g}" viewBox="0 0 {width:g} {end:g}">'
        f'<desc>{escape(plain(alt))}</desc><rect width="100%" height="100%" fill="#fff"/>'
    )
    return before, f'<g font-family="{FONTS}">{said}{listed}</g></svg>'


def plain(text: str) -> str:
    """Return Markdown as the characters that it stands for, one line a paragraph or item."""
    return MARKDOWN.sub(lambda one: _characters(one[1]) if one[1] else "".join(filter(None, one.groups())), text)


def _characters(formula: str) -> str:
    """Return the formulas of captions without TeX."""
    for tex, meant in TEX.items():
        formula = formula.replace(tex, meant)
    return formula


def _lines(text: str, size: float, width: float, top: float, colour: str) -> tuple[str, float]:
    """Write lines that fit into a width, from a height on; return them and where the next would stand."""
    fits, step = (width - 2 * MARGIN) / size, LEADING * size
    lines = [line for paragraph in text.splitlines() if paragraph for line in wrapped(paragraph, fits)]
    written = "".join(
        f'<text x="{MARGIN:g}" y="{top + place * step:.1f}">{escape(line)}</text>' for place, line in enumerate(lines)
    )
    return f'<g font-size="{size:g}" fill="{colour}">{written}</g>', top + len(lines) * step


def wrapped(text: str, width: float) -> list[str]:
    """Break a text into lines of a width, in heights of its characters."""
    places = [0, *sorted({one.end() for one in BREAK.finditer(text)} - {0}), len(text)]
    pieces = [text[start:end] for start, end in pairwise(places)]
    lines = [""]
    for piece in pieces:
        if lines[-1] and long(lines[-1] + piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def long(text: str) -> float:
    """Return about how long a text is, in heights of its characters."""
    return sum(1 if ord(one) >= FIRST else LATIN for one in text)
