"""Scales that are lost between layers: what a module makes of a mean square, by the rules, and blocks unlike the rest.

A lost scale is in the graph as little as in the model, so no prediction disagrees. It is seen where it is said that a
module keeps the mean square (the claim "kept"), or where other blocks of the same class have it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from audit.depth import blocks
from audit.measured import Measured, Module
from audit.state import State
from audit.statement import AuditError, Statement, Verdict

OFF = 0.01
"""What a mean square may be off by and still be kept."""
FAR = 1.5
"""The same by mean field, which is no more than a note."""


def kept(found: Measured, states: Mapping[str, State], patterns: list[str]) -> Iterator[Statement]:
    """Say of the modules that are meant to keep their input's mean square whether the rules of their weights do.

    Raises
    ------
    AuditError
        If a pattern is of no module.
    """
    for pattern in patterns:
        names = [one.name for one in found.in_order() if fnmatchcase(one.name, pattern)]
        if not names:
            raise AuditError(
                f"no module matches {pattern!r}; there are {', '.join(list(found.modules)[1:9]) or 'none'}"
            )
        yield from (_kept(found, states, name) for name in names)


def _kept(found: Measured, states: Mapping[str, State], name: str) -> Statement:
    start, end = found.graph.starts.get(name, ""), found.graph.ends.get(name, "")
    before, after = states.get(start), states.get(end)
    if before is None or after is None or after.taken or not before.mean_square > 0:
        words = "meant to keep the mean square; nothing is predicted of it"
        return Statement(kind="mean field", where=name, verdict="unsure", words=words)
    factor = after.mean_square / before.mean_square
    exact = not after.inexact
    off = abs(math.log(factor)) if factor > 0 else math.inf
    bad = off > (OFF + after.slack if exact else math.log(FAR))
    verdict: Verdict = "sound" if not bad else "against" if exact else "note"
    return Statement(
        kind="exact, whole net" if exact else "mean field",
        where=name,
        verdict=verdict,
        words=f"meant to keep the mean square; by the rules of its weights it makes {factor:.4g} of it",
        cause=_cause(found, states, end, before.mean_square, factor) if bad and factor > 0 else "",
        severity=off if bad else 0.0,
        numbers={"factor": factor},
    )


def _cause(found: Measured, states: Mapping[str, State], end: str, square: float, factor: float) -> str:
    """Say what would keep it, and what each summand brings."""
    node = found.graph.nodes[end]
    parts = [states[name].mean_square / square for name in node.inputs if name in states]
    brought = f"the summands bring {' and '.join(f'{one:.3g}' for one in parts)} of it; " if node.kind == "add" else ""
    return f"{brought}a scale by {factor**-0.5:.4g} is missing"


def unlike(found: Measured) -> Iterator[Statement]:
    """Say which block lacks a scale that its siblings have, or has one that they have not."""
    chain = [one for one in blocks(found) if one.squares is None and one.name in found.graph.ends]
    scales = [_scales(found, one) for one in chain]
    usual, count = Counter(frozenset(one.items()) for one in scales).most_common(1)[0] if chain else (frozenset(), 0)
    if count < 2 or 3 * count < 2 * len(chain):
        return
    for one, own in zip(chain, scales, strict=True):
        lost, more = dict(usual), own
        lost = {size: number - own[size] for size, number in lost.items() if number > own[size]}
        more = Counter({size: n - dict(usual).get(size, 0) for size, n in own.items() if n > dict(usual).get(size, 0)})
        told = [f"no scale by {size:.4g}, as {count} of {len(chain)} blocks have" for size in lost]
        told += [f"a scale by {size:.4g} that {count} of {len(chain)} blocks have not" for size in more]
        if told:
            factor = math.prod(size**number for size, number in more.items())
            factor /= math.prod(size**number for size, number in lost.items())
            yield Statement(
                kind="exact, whole net",
                where=one.name,
                verdict="note",
                words=f"the graph has {', '.join(told)}: a factor of {factor:.3g}, {factor**2:.3g} in squares",
                severity=abs(math.log(factor)) if factor > 0 else math.inf,
                numbers={"factor": factor},
            )


def _scales(found: Measured, block: Module) -> Counter[float]:
    """Return the constant factors inside a block, to four digits."""
    start, end = found.graph.starts.get(block.name, ""), found.graph.ends[block.name]
    nodes = found.graph.between(start, end) if start else []
    sizes = [one.value for one in nodes if one.kind == "scale" and not one.constants and one.value is not None]
    return Counter(float(f"{one.flat[0]:.4g}") for one in sizes if one.size == 1)
