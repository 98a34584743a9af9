"""Evidence as a picture: what was measured, what the evidence can see, and how far off the mutants were."""

from __future__ import annotations

import math
from html import escape

from claims.examine import Result
from evidence import Finding

LEFT, RIGHT, ROW, TOP = 190, 640, 22, 30
DECADES = (-3, 4)


def picture(result: Result) -> str:
    """Return an inline SVG: a row for the claim (dot) and for each mutant (cross)."""
    rows = [("the claim", result.finding), *result.mutants]
    certain = result.finding.kind.split(" ")[0] in ("identity", "inequality")
    unit = _unit(result.finding)
    height = TOP + ROW * len(rows) + 26
    told = "; ".join(f"{name}: {_told(found, certain, unit)}" for name, found in rows)
    parts = [
        f'<svg viewBox="0 0 700 {height}" width="700" role="img" aria-label="{escape(told, quote=True)}" '
        'font-family="sans-serif" font-size="12">',
        *(_share_axis(height) if certain else _error_axis(height)),
    ]
    for row, (name, found) in enumerate(rows):
        y = TOP + ROW * row + ROW / 2
        x = _share(found) if certain else _position(found.effect / unit)
        label = name if len(name) <= 28 else name[:27] + "…"
        parts.append(f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end">{escape(label)}</text>')
        parts.append(_dot(x, y) if row == 0 else _cross(x, y))
    return "".join([*parts, "</svg>"])


def _unit(found: Finding) -> float:
    """The smallest error that the evidence sees, as a number."""
    if not isinstance(found.detectable, str):
        return found.detectable or 1.0
    first = found.detectable.split(" ")[0]
    number = float(first.rstrip("%")) / (100 if first.endswith("%") else 1)
    return number or 1.0


def _told(found: Finding, certain: bool, unit: float) -> str:
    if certain:
        return f"{found.effect:.0%} of draws differ"
    return f"error {found.effect:.2g}, {found.effect / unit:.2g} times what is seen"


def _position(ratio: float) -> float:
    low, high = DECADES
    decade = min(high, max(low, math.log10(ratio))) if ratio > 0 else low
    return LEFT + (RIGHT - LEFT) * (decade - low) / (high - low)


def _share(found: Finding) -> float:
    return LEFT + (RIGHT - LEFT) * min(1.0, found.effect if found.verdict == "refuted" else 0.0)


def _error_axis(height: int) -> list[str]:
    edge, bottom = _position(1.0), height - 26
    ticks = [
        f'<text x="{_position(10.0**k)}" y="{height - 10}" text-anchor="middle">{_power(k)}</text>'
        for k in range(DECADES[0], DECADES[1] + 1)
    ]
    return [
        f'<rect x="{LEFT}" y="{TOP}" width="{edge - LEFT}" height="{bottom - TOP}" fill="#ddd"/>',
        f'<line x1="{edge}" x2="{edge}" y1="{TOP}" y2="{bottom}" stroke="#111" stroke-width="2"/>',
        f'<text x="{edge}" y="{TOP - 8}" text-anchor="middle">'
        "an error beyond this line is refuted with probability 0.999 or more</text>",
        *ticks,
    ]


def _share_axis(height: int) -> list[str]:
    bottom = height - 26
    ticks = [
        f'<text x="{LEFT + (RIGHT - LEFT) * k / 4}" y="{height - 10}" text-anchor="middle">{25 * k} %</text>'
        for k in range(5)
    ]
    return [
        f'<rect x="{LEFT - 3}" y="{TOP}" width="6" height="{bottom - TOP}" fill="#ddd"/>',
        f'<line x1="{LEFT}" x2="{RIGHT}" y1="{bottom}" y2="{bottom}" stroke="#111"/>',
        f'<text x="{LEFT}" y="{TOP - 8}">'
        "share of draws in which it fails by more than rounding; a single one refutes</text>",
        *ticks,
    ]


def _power(exponent: int) -> str:
    return {0: "1", 1: "10", -1: "0.1"}.get(exponent, f"1e{exponent}")


def _dot(x: float, y: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="#111"/>'


def _cross(x: float, y: float) -> str:
    return f'<path d="M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10" stroke="#111" stroke-width="2.5" fill="none" />'
