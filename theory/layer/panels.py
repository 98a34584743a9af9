"""Moments of phi(z) and of its slope, z ~ N(0, q), for a phi of which nothing but its values is known.

The line is cut into panels. On each, phi is a polynomial through its values at Gauss-Legendre nodes, and its slope is
that polynomial's. A panel whose two halves give other moments than the whole is halved again, so that panels close in
on kinks; what the last halving changed, added up, is the error. It is an estimate: what happens between all nodes, such
as a spike of width 1e-4, is not seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from theory.derivation import Value
from theory.domain import positive

NODES = 12
END = 20.0
"""Beyond so many deviations the normal density is below 1e-87."""
TOLERANCES = (1e-13, 1e-13, 1e-13, 1e-11)
"""Of a panel, relative to the moment; slopes of an interpolant are known less well."""
ACCEPTED, DEEPEST, MOST = 1e-6, 44, 20_000
"""The largest relative error of an answer, halvings of a panel, and panels."""
LEAST = 1e-10
"""The smallest error that is stated: both rules may agree by chance on a small panel with a kink."""
Four = tuple[float, float, float, float]


@dataclass(frozen=True)
class Moments:
    """E phi, E phi^2, E (z^2/q) phi^2 and E phi'^2; the largest relative error of any, an estimate of 1e-10 or more."""

    first: float
    square: float
    weighted: float
    slope: float
    error: float


@cache
def _rule() -> tuple[list[float], list[float], list[list[float]]]:
    """Return Gauss-Legendre nodes on (-1, 1), their weights, and the matrix that takes values to slopes."""
    nodes, weights = [], []
    for i in range(NODES):
        x = math.cos(math.pi * (i + 0.75) / (NODES + 0.5))
        for _ in range(100):
            value, slope = _legendre(x)
            step = value / slope
            x -= step
            if abs(step) < 1e-15:
                break
        nodes.append(x)
        weights.append(2 / ((1 - x * x) * _legendre(x)[1] ** 2))
    bary = [1 / math.prod(a - b for b in nodes if b != a) for a in nodes]
    slopes = [
        [bary[j] / bary[i] / (a - b) if i != j else 0.0 for j, b in enumerate(nodes)] for i, a in enumerate(nodes)
    ]
    for i, row in enumerate(slopes):
        row[i] = -math.fsum(row)
    return nodes, weights, slopes


def _legendre(x: float) -> tuple[float, float]:
    before, now = 1.0, x
    for n in range(2, NODES + 1):
        before, now = now, ((2 * n - 1) * x * now - (n - 1) * before) / n
    return now, NODES * (x * now - before) / (x * x - 1)


def moments(function: Callable[[float], float], variance: Value) -> Moments:
    """Return the moments of a function of one number (a Python float goes in, whatever makes a float comes out).

    Raises
    ------
    ValueError
        If the variance is not positive.
    ArithmeticError
        If `function` fails or is not finite or real somewhere within 20 deviations, grows as fast as the normal density
        falls, or has a moment whose relative error stays above 1e-6, as where it jumps: then E phi'^2 is infinite.
    """
    q = float(positive("variance", variance))
    deviation = math.sqrt(q)
    panels = [(a, b, _panel(function, deviation, a, b), 0) for a, b in pairwise(_edges(deviation))]
    sizes = [math.fsum(abs(panel[2][k]) for panel in panels) for k in range(4)]
    sizes[0] = math.sqrt(sizes[1])  # E phi may be 0
    outer = max(_ratio(abs(panel[2][k]), sizes[k]) for panel in (panels[0], panels[-1]) for k in range(1, 4))
    if outer > 1e-12:
        raise ArithmeticError(f"phi at variance {q} grows too fast: {outer:.1e} of a moment lies beyond 16 deviations")
    total: tuple[list[float], ...] = ([], [], [], [])
    error, count, worst = [0.0] * 4, 0, (0.0, 0.0)
    while panels:
        a, b, whole, depth = panels.pop()
        middle, count = (a + b) / 2, count + 1
        ends = ((a, middle), (middle, b))
        halves = [(*end, _panel(function, deviation, *end), depth + 1) for end in ends]
        fine = [x + y for x, y in zip(halves[0][2], halves[1][2], strict=True)]
        change = [_ratio(abs(x - y), size) for x, y, size in zip(fine, whole, sizes, strict=True)]
        if count > MOST or depth >= DEEPEST or all(c <= limit for c, limit in zip(change, TOLERANCES, strict=True)):
            for k in range(4):
                total[k].append(fine[k])
                error[k] += change[k]
            worst = max(worst, (max(change), middle * deviation))
        else:
            panels += halves
    if max(error) > ACCEPTED:
        raise ArithmeticError(
            f"phi at variance {q} has a moment with a relative error of {max(error):.1e}, most of it at z = "
            f"{worst[1]:.6g}; expected no jumps, and no faster oscillation than {MOST} panels follow"
        )
    first, square, weighted, slope = map(math.fsum, total)
    return Moments(first, square, weighted, slope, max(*error, LEAST))


def _edges(deviation: float) -> list[float]:
    """Return where panels begin, in deviations: at sizes that matter to the density, and to functions of z."""
    sizes = [0.5, 1.0, 2.0, 3.0, 4.5, 6.5, 9.0, 13.0, 16.5, *(z / deviation for z in (0.25, 0.5, 1.0, 2.0, 3.0, 6.0))]
    edges = [0.0]
    for size in sorted(sizes):
        if 1.01 * edges[-1] < size < END / 1.01:
            edges.append(size)
    edges.append(END)
    return [-edge for edge in edges[:0:-1]] + edges


def _ratio(change: float, size: float) -> float:
    return change / size if size > 0 else 0.0 if change == 0 else math.inf


def _panel(function: Callable[[float], float], deviation: float, a: float, b: float) -> Four:
    nodes, weights, slopes = _rule()
    centre, half = (a + b) / 2, (b - a) / 2
    places = [centre + half * x for x in nodes]
    values = [_value(function, deviation * t) for t in places]
    density = [half * w * math.exp(-t * t / 2) / math.sqrt(2 * math.pi) for w, t in zip(weights, places, strict=True)]
    derived = [math.fsum(map(float.__mul__, row, values)) / (half * deviation) for row in slopes]
    squares = [d * v * v for d, v in zip(density, values, strict=True)]
    return (
        math.fsum(map(float.__mul__, density, values)),
        math.fsum(squares),
        math.fsum(s * t * t for s, t in zip(squares, places, strict=True)),
        math.fsum(d * s * s for d, s in zip(density, derived, strict=True)),
    )


def _value(function: Callable[[float], float], z: float) -> float:
    try:
        value = float(function(z))
    except (ArithmeticError, TypeError, ValueError) as error:
        raise ArithmeticError(f"phi({z:.6g}) fails with {type(error).__name__}: {error}; expected a number") from None
    if not math.isfinite(value):
        raise ArithmeticError(f"phi({z:.6g}) is {value}; expected a finite number")
    return value
