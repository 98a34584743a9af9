"""Evidence as a picture: how far the claim and its mutants are off, on one axis with the errors that would be seen.

Positions are shares of the picture's width, so that it fits a phone and a wall with letters of one size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from claims.examine import Result
from claims.reports.words import measured, size, spaced, text
from evidence import Finding

END = 8.0
"""The axis of errors ends at so many times the smallest one that is seen; what lies beyond is drawn there."""
TOP, ROW, FOOT, APART = 26, 24, 26, 7.5
"""Pixels above the points, for a row of them and below; points closer than this share of the width take two rows."""


@dataclass(frozen=True)
class Point:
    """The claim (number 0) or a mutant on an axis."""

    number: int
    place: float
    says: str
    link: str


def picture(result: Result) -> str:
    """Return a figure with one axis for sizes of errors, one for shares of draws that fail, or both."""
    rows = [("the claim", result.finding), *result.mutants]
    errors, shares = list[Point](), list[Point]()
    for number, (name, found) in enumerate(rows):
        if found.verdict == "inconclusive":
            continue
        link = f"{result.claim_id}.{number}" if number else result.claim_id
        if _counts_draws(found):
            failed = found.effect if found.verdict == "refuted" else 0.0
            shares.append(Point(number, failed, f"{name}: {spaced(measured(found))}", link))
        else:
            errors.append(Point(number, _multiple(found), f"{name}: {_said(found)}", link))
    axes = [*(_error_axis(errors, result.finding) if errors else ()), *(_share_axis(shares) if shares else ())]
    return f'<figure class="evidence">{"".join(axes)}</figure>' if axes else ""


def _counts_draws(found: Finding) -> bool:
    """Whether the effect is a share of draws, as of identities and inequalities, and no size."""
    return isinstance(found.measured, str) and not found.measured.startswith("distance")


def _multiple(found: Finding) -> float:
    """Return the error, with its sign if it has one, in multiples of the smallest one that the evidence sees."""
    sign = -1.0 if _below(found) else 1.0
    return sign * found.effect / _smallest(found)


def _below(found: Finding) -> bool:
    numbers = not isinstance(found.measured, str) and not isinstance(found.expected, str)
    return numbers and float(found.measured) < float(found.expected)


def _smallest(found: Finding) -> float:
    if not isinstance(found.detectable, str):
        return found.detectable if 0 < found.detectable < math.inf else 1.0
    first = found.detectable.split(" ")[0]
    number = float(first.rstrip("%")) / (100 if first.endswith("%") else 1)
    return number or 1.0


def _said(found: Finding) -> str:
    off = f"off by {found.effect / _smallest(found):.2g} times the smallest error seen"
    return f"expected {text(found.expected)}, measured {spaced(measured(found))}; {off}"


def _error_axis(points: Sequence[Point], claim: Finding) -> Iterator[str]:
    low = -min(END, max(1.6, *(-1.15 * point.place for point in points), 0))
    high = min(END, max(1.6, *(1.15 * point.place for point in points), 0))
    step = next(one for one in (1, 2, 4) if (high - low) / one <= 8)
    ticks: dict[float, str] = {
        k: f"{'−' if k < 0 else ''}{abs(k)}" for k in range(-8, 9) if low <= k <= high and k % step == 0
    }
    none = _counts_draws(claim) or claim.detectable == math.inf
    here = "" if none else f": here {spaced(size(claim.detectable).split(' ')[0])}"
    yield (
        f"<figcaption>Error in units of the smallest one (the band{here}) that is seen with probability 0.999."
        f"</figcaption>"
    )
    yield _axis(points, low, high, (-1, 1), ticks)


def _share_axis(points: Sequence[Point]) -> Iterator[str]:
    yield "<figcaption>Share of draws in which it fails by more than its bound; a single one refutes.</figcaption>"
    yield _axis(points, 0, 1, (-0.01, 0.01), {0: "0", 0.5: "50\u202f%", 1: "100\u202f%"})


def _axis(
    points: Sequence[Point], low: float, high: float, band: tuple[float, float], ticks: Mapping[float, str]
) -> str:
    def across(place: float) -> float:
        return 7 + 86 * (min(high, max(low, place)) - low) / (high - low)

    placed = _in_rows([(across(point.place), point) for point in points])
    bottom = TOP + ROW * (1 + max(row for _, row, _ in placed))
    left, right = across(band[0]), across(band[1])
    parts = [
        f'<svg width="100%" height="{bottom + FOOT}" role="group" aria-label="The claim and its mutants">',
        f'<rect class="band" x="{left:.1f}%" width="{right - left:.1f}%" y="{TOP}" height="{bottom - TOP}"/>',
        f'<line class="axis" x1="0" x2="100%" y1="{bottom}" y2="{bottom}"/>',
        f'<line class="zero" x1="{across(0):.1f}%" x2="{across(0):.1f}%" y1="{TOP}" y2="{bottom + 5}"/>',
    ]
    parts += [
        f'<text class="tick" x="{across(at):.1f}%" y="{bottom + 19}" text-anchor="middle">{label}</text>'
        for at, label in ticks.items()
    ]
    for x, row, point in placed:
        beyond = "‹" if point.place < low else "›" if point.place > high else ""
        parts.append(_mark(x, bottom - ROW * row - ROW / 2, point, beyond))
    return "".join([*parts, "</svg>"])


def _in_rows(points: Sequence[tuple[float, Point]]) -> list[tuple[float, int, Point]]:
    """Give every point the lowest row in which it covers none before it; the claim comes first."""
    placed: list[tuple[float, int, Point]] = []
    for x, point in points:
        taken = {row for other, row, _ in placed if abs(x - other) < APART}
        placed.append((x, next(row for row in range(len(points)) if row not in taken), point))
    return placed


def _mark(x: float, y: float, point: Point, beyond: str) -> str:
    says = escape(point.says, quote=True)
    parts = [
        f'<a class="{"mutant" if point.number else "claim"}" href="#{point.link}" aria-label="{says}">',
        f'<title>{says}</title><circle cx="{x:.1f}%" cy="{y}" r="{10 if point.number else 7}"/>',
        f'<text class="name" x="50%" y="15" text-anchor="middle">{escape(point.says.partition(": ")[0])}</text>',
    ]
    if point.number:
        parts.append(f'<text x="{x:.1f}%" y="{y + 4.5}" text-anchor="middle">{point.number}</text>')
    if beyond:
        aside = -16 if beyond == "‹" else 16
        parts.append(f'<text class="beyond" x="{x:.1f}%" dx="{aside}" y="{y + 5}" text-anchor="middle">{beyond}</text>')
    return "".join([*parts, "</a>"])
