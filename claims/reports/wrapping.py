"""Long formulas in pieces between which a line may end, as browsers do not break the lines of MathML.

LaTeX is cut where a reader would turn to a new line: before a plus, a minus or a relation, and after a wide space, but
never inside braces, bars or brackets. A piece that is still wider than a line is cut inside its brackets, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

LONG, WIDE = 60, 250
"""Letters of LaTeX from which on a formula is cut, and from which on it is cut inside brackets."""
TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|.", re.DOTALL)
BRACKETS = {"(": 1, "[": 1, ")": -1, "]": -1}
DEPTH = {"{": 1, r"\{": 1, r"\langle": 1, r"\begin": 1, "}": -1, r"\}": -1, r"\rangle": -1, r"\end": -1}
BEFORE = {"+", "-", "=", r"\le", r"\leq", r"\ge", r"\geq", r"\ne", r"\approx", r"\sim", r"\in", r"\text"}
AFTER = {r"\quad", r"\qquad"}
BOUND = {"", "_", "^", r"\left", r"\right", "(", "[", *BEFORE}
"""What the next sign belongs to: a minus after one of these is a sign of its number."""


def pieces(latex: str) -> list[str]:
    """Return the pieces of a formula, in order; one if it is short or has no place to be cut."""
    if len(latex) < LONG:
        return [latex]
    parts: list[str] = []
    for part in _cut(latex, DEPTH | BRACKETS):
        flat = re.sub(r"\\(left|right)(?=[()\[\]])", "", part)
        parts += [part] if len(part) < WIDE else _cut(flat, DEPTH)
    return parts


def _cut(latex: str, depths: dict[str, int]) -> list[str]:
    starts = [0, *_places(latex, depths), len(latex)]
    return [latex[a:b] for a, b in pairwise(starts) if latex[a:b].strip()]


def _places(latex: str, depths: dict[str, int]) -> Iterator[int]:
    """Yield where a line may end."""
    depth, bars, last = 0, False, ""
    for token in TOKEN.finditer(latex):
        sign = token[0]
        depth += depths.get(sign, 0)
        if sign in {"|", r"\|"}:
            bars = not bars
        elif depth == 0 and not bars and last not in BOUND:
            if sign in BEFORE:
                yield token.start()
            elif sign in AFTER:
                yield token.end()
        last = sign if sign.strip() else last
