"""What an audit says: one statement about one thing, with its kind, its verdict and its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "initialiser",
    "exact, given the input",
    "exact, whole net",
    "mean field",
    "depth",
    "gradient",
    "activation",
    "draws",
    "loss",
    "bound",
    "step",
    "recurrence",
]
Verdict = Literal["against", "unsure", "note", "sound"]
ORDER: tuple[Verdict, ...] = ("against", "unsure", "note", "sound")
"""Worst first."""


class AuditError(ValueError):
    """The audit cannot be made; the message says in one line what was wrong, what was expected and what to do."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement.

    *against* is said of what is not as it should be; where it stands on a test, that happens to a sound thing with at
    most this statement's share of the audit's false alarms. *unsure*: too little was seen. *note*: true, and a matter
    of taste.
    """

    kind: Kind
    where: str
    verdict: Verdict
    words: str
    cause: str = ""
    severity: float = 0.0
    """What is worst stands first: |log| of the factor by which it is off, where there is one."""
    numbers: Mapping[str, float] = field(default_factory=dict)


def worst_first(statements: list[Statement]) -> list[Statement]:
    """Sort by verdict, then by how far off."""
    return sorted(statements, key=lambda one: (ORDER.index(one.verdict), -one.severity))
