"""How mean squares grow or shrink from block to block, forwards and backwards, with an interval over the seeds.

A seed gives one slope of log mean square against depth. The interval of their mean is Student's, which is exact for
normal slopes and good for many seeds: the one test of an audit whose error rate is approximate.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict

import numpy as np
from scipy import stats

from audit.cure import cure
from audit.measured import Array, Measured, Module
from audit.rules import Depth
from audit.statement import Statement, Verdict

FEWEST = 3
"""Blocks that make a slope."""
HARM = 10.0
"""Exponential growth or decay that is at least this large over all blocks is against the model."""
FLAT = 2.0
CONTAINERS = {"Sequential", "ModuleList", "ModuleDict"}


def blocks(found: Measured) -> list[Module]:
    """Return the modules of the class that is repeated: the outermost with most of the weights, or a layer's class."""
    classes: dict[str, list[Module]] = defaultdict(list)
    names = set(found.modules)
    inner = {name[: -len(rest)].rstrip(".") for name in names for rest in [name.rsplit(".", 1)[-1]]} - {""}
    for one in found.in_order():
        if one.name and one.size and one.kind not in CONTAINERS and one.kind != "Embedding":
            classes[one.kind].append(one)
    outer = {kind for kind, members in classes.items() if any(one.name in inner for one in members)}
    chains = {kind: members if kind in outer else _apart(members) for kind, members in classes.items()}
    enough = {kind: members for kind, members in chains.items() if len(members) >= FEWEST}
    leaves = [members for kind, members in enough.items() if kind not in outer]
    largest = max(map(_size, leaves), default=0)
    nested = [members for kind, members in enough.items() if kind in outer and _size(members) >= largest / 2]
    return max(nested or leaves, key=_size, default=[])


def _apart(layers: list[Module]) -> list[Module]:
    """Leave out layers that read what one before them reads, as queries, keys and values do: no chain goes through."""
    chain: list[Module] = []
    read: set[bytes] = set()
    for one in layers:
        squares = one.moments.get("input mean square")
        own = b"" if squares is None or not squares.any() else squares.tobytes()
        if not own or own not in read:
            chain.append(one)
        read.add(own)
    return chain


def counted(found: Measured) -> Depth:
    """Return how many blocks there are, and how many layers with weights are in most of them."""
    chain = blocks(found)
    weights = [one.parameter for one in found.parts if one.role == "weight"]
    each = Counter(len({key for key in weights if key.startswith(f"{one.name}.")}) for one in chain)
    return Depth(len(chain), each.most_common(1)[0][0]) if chain else Depth()


def depth(found: Measured, share: float) -> list[Statement]:
    """Say how outputs of the blocks grow forwards, and gradients at them backwards."""
    chain = blocks(found)
    if len(chain) < FEWEST:
        return []
    layers = counted(found).layers
    said = (_growth(chain, "output", share, layers), _growth(chain[::-1], "gradient", share, layers))
    return [one for one in said if one is not None]


def _growth(chain: list[Module], what: str, share: float, layers: int) -> Statement | None:
    rows = [one.moments.get(f"{what} mean square") for one in chain]
    if any(row is None for row in rows):
        return None
    squares = np.array(rows).T
    squares = squares[(np.isfinite(squares) & (squares > 0)).all(axis=1)]
    if len(squares) < 3:
        return None
    logs, places = np.log(squares), np.arange(len(chain)) - (len(chain) - 1) / 2
    slopes = logs @ places / (places @ places)
    half = float(stats.t.ppf(1 - share / 2, len(slopes) - 1) * slopes.std(ddof=1) / math.sqrt(len(slopes)))
    middle, steps = float(slopes.mean()), len(chain) - 1
    low, high = middle - half, middle + half
    sure = max(low, -high, 0.0) * steps
    shape = _shape(logs.mean(axis=0), sure)
    verdict: Verdict = "against" if shape == "exponential" and sure > math.log(HARM) else "sound"
    if verdict == "sound" and (high - low) * steps > 2 * math.log(HARM):
        verdict = "unsure"
    noun = "the mean square" if what == "output" else "the gradient's mean square, backwards,"
    words = (
        f"{shape}: a {chain[0].kind} multiplies {noun} by {math.exp(middle):.3g} "
        f"({math.exp(low):.3g} to {math.exp(high):.3g}), {len(chain)} of them in all by {math.exp(middle * steps):.3g}"
    )
    cured = cure(chain, math.exp(middle), layers, forwards=what == "output") if verdict == "against" else None
    told = (_between(chain, middle, what), _carrier(chain, logs.mean(axis=0), what), cured.words) if cured else ()
    return Statement(
        kind="depth",
        where=f"{chain[0].name} to {chain[-1].name}",
        verdict=verdict,
        words=words,
        cause="; ".join(filter(None, told)) if cured else "",
        severity=abs(middle) * steps,
        numbers={
            "factor": math.exp(middle),
            "low": math.exp(low),
            "high": math.exp(high),
            "blocks": len(chain),
            **(cured.numbers if cured else {}),
        },
    )


def _shape(logs: Array, sure: float) -> str:
    """Return how a curve runs: exponential if a line fits its logarithm better, flat if it does not move."""
    if sure == 0 or np.ptp(logs) < math.log(FLAT):
        return "flat"
    curves = (logs, np.exp(logs - logs.max()))
    places = np.arange(len(logs))
    misfits = [1 - float(np.corrcoef(places, one)[0, 1]) ** 2 for one in curves]
    return "exponential" if misfits[0] <= misfits[1] else "linear"


def _carrier(chain: list[Module], logs: Array, what: str) -> str:
    """Name the block that does more than twice as much as blocks do on average, if one does."""
    steps = np.diff(logs)
    most = int(np.argmax(steps * np.sign(steps.sum())))
    if abs(steps[most]) <= 2 * abs(steps.mean()):
        return ""
    block = chain[most + (what == "output")]
    return f"most of all {block.name}, which alone multiplies it by {math.exp(steps[most]):.3g}"


def _between(chain: list[Module], middle: float, what: str) -> str:
    """Part the factor of a chain of layers into what they and what stands between them make of it."""
    if any(one.squares is None for one in chain):
        grows = "what a block adds grows with what it is given, as where a norm or a scale is missing"
        return grows if middle > 0 else "a block passes on less than it is given"
    if what == "gradient":
        return "" if middle > 0 else "a layer passes back less than it is given"
    own = [np.nanmean(np.log(one.squares / one.moments["input mean square"])) for one in chain[1:]]  # type: ignore[operator]
    factor = math.exp(float(np.mean(own)))
    return f"the weights make {factor:.3g} of it, what stands between them {math.exp(middle) / factor:.3g}"


def _size(members: list[Module]) -> int:
    return sum(one.size for one in members)
