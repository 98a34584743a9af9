"""A layer that is drawn by another rule than nearly all others, seen without a claim.

If a rule explains at least `MOST` of the weights, one that it does not explain is told, with the rule that does. Were
it drawn by that rule as well, its interval would miss with the probability of its share of the false alarms; so but
for that nothing is told of a model whose weights all follow one rule. What was meant is not known: the last layer of a
branch may follow a rule of its own, and nothing is noted of the model's head, which mostly does. Against the model it
is where the other layers' rule with fan_in and fan_out swapped explains it, and no third rule does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from audit.recognise import Recognised
from audit.rules import RULES
from audit.statement import Statement

MOST, FEWEST = 0.75, 4
"""The share, and the number, of weights that make a rule that of the model."""
SWAPPED = {"he_fan_in": "he_fan_out", "lecun": "lecun_fan_out", "he_fan_out": "he_fan_in", "lecun_fan_out": "lecun"}
"""What a rule becomes with its fans swapped."""


def odd_ones(known: Mapping[str, list[Recognised]], share: float, head: str = "") -> dict[str, list[Recognised]]:
    """Return what is known of every parameter, with what is said of those that stand out; `head` is the last one."""
    rows = [one for group in known.values() for one in group if one.part and one.part.role == "weight"]
    fits = {name: [_allows(one, name) for one in rows] for name in RULES}
    common = max(fits, key=lambda name: sum(fits[name]), default="")
    agree = sum(fits[common]) if rows else 0
    if agree < max(FEWEST, MOST * len(rows)) or agree == len(rows):
        return dict(known)
    told = f"{agree} of {len(rows)} weights allow {RULES[common][0]}"
    return {key: [_odd(one, common, told, share, head) for one in group] for key, group in known.items()}


def _odd(one: Recognised, common: str, told: str, share: float, head: str) -> Recognised:
    if not one.part or one.part.role != "weight" or one.statement.verdict != "sound" or _allows(one, common):
        return one
    fans = one.part.fan_in, one.part.fan_out
    meant = RULES[common][1](*fans)
    ratio = math.sqrt(one.ends[0] * one.ends[1]) / meant
    swapped = [name for name in RULES if _allows(one, name)] == [SWAPPED.get(common)]
    if not swapped and one.part.parameter == head:
        return one
    why = "fan_in and fan_out swapped" if swapped else "drawn by the rule of another layer, or meant so"
    said = Statement(
        kind=one.statement.kind,
        where=one.statement.where,
        verdict="against" if swapped else "note",
        words=f"{one.statement.words}; {told}, but this has {ratio:.3g} of its variance (by chance {share:.0e})",
        cause=why,
        severity=abs(math.log(ratio)),
        numbers={**one.statement.numbers, "times the others' rule": ratio},
    )
    return replace(one, statement=said)


def _allows(one: Recognised, name: str) -> bool:
    assert one.part is not None
    return one.ends[0] <= RULES[name][1](one.part.fan_in, one.part.fan_out) <= one.ends[1]
