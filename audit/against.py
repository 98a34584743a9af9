"""What changed since the last audit, from two audits as JSON: what came and went, verdicts, mean squares.

A mean square changed if its values under the seeds of one audit and of the other have not the same law, tested by
`evidence.same_law` for any law. All these tests together call something changed that is not with probability ALPHA at
most, if the two audits drew their weights independently; where they drew the same, there is no difference to find.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audit.report import SCHEMA, SQUARES
from audit.statement import ORDER, AuditError
from evidence.same_law import same_law

ALPHA = 1e-4
"""The probability that any mean square is said to have changed if none has."""
ROUNDING = 1e-4
"""Medians that differ by less, relatively, are the same: other machines round in another way."""
LIKE = ("mode", "claims", "input")
"""What two audits must have in common to be compared."""
Audit = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """One change, and whether it is for the worse: something is against the model now that was not."""

    where: str
    words: str
    worse: bool = False


def read(path: Path) -> Audit:
    """Read an audit that ``--json`` wrote.

    Raises
    ------
    AuditError
        If it cannot be read, is no audit or one of another schema.
    """
    again = f"expected an audit that --json wrote ({SCHEMA}); make it anew"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise AuditError(f"cannot read {path} ({error}); {again}") from None
    schema = told.get("schema") if isinstance(told, dict) else None
    if schema != SCHEMA:
        raise AuditError(f"{path} has the schema {schema!r}; {again}")
    try:
        _checked(told)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise AuditError(f"{path} is not whole ({type(error).__name__}: {error}); {again}") from None
    return dict(told)


def changes(old: Audit, new: Audit, alpha: float = ALPHA) -> list[Change]:
    """Return what changed from one audit to the other, what is worse first.

    Raises
    ------
    AuditError
        If they had different inputs, modes or claims.
    """
    for key in LIKE:
        if old[key] != new[key]:
            raise AuditError(
                f"the baseline has {key} {_short(old[key])}, this audit {_short(new[key])}; "
                "give the same, or make the baseline anew"
            )
    found = [*_names(old, new), *_verdicts(old, new), *_moved(old, new, alpha)]
    return sorted(found, key=lambda one: not one.worse)


def _checked(told: Audit) -> None:
    """Raise KeyError, TypeError or ValueError unless everything that is compared is there."""
    for key in LIKE:
        told[key]
    for name, size in told["parameters"].items():
        if not isinstance(size, int):
            raise TypeError(f"size of {name}")
    for one in told["statements"]:
        ORDER.index(one["verdict"])
        one["kind"] + one["where"] + one["words"]
    for one in told["modules"]:
        one["name"] + one["kind"]
        for what in SQUARES:
            _values(one, what)


def _names(old: Audit, new: Audit) -> Iterator[Change]:
    """Yield parameters and modules that came, went, or are others now."""
    sizes = [{name: f"{size} entries" for name, size in one["parameters"].items()} for one in (old, new)]
    kinds = [{module["name"]: str(module["kind"]) for module in one["modules"]} for one in (old, new)]
    for what, (before, after) in (("parameter", sizes), ("module", kinds)):
        yield from (Change(name, f"new {what}, {one}") for name, one in after.items() if name not in before)
        yield from (Change(name, f"{what} gone, {one}") for name, one in before.items() if name not in after)
        for name, one in after.items():
            if before.get(name, one) != one:
                yield Change(name, f"{what}: {before[name]} before, {one} now")


def _verdicts(old: Audit, new: Audit) -> Iterator[Change]:
    before, after = _worst(old), _worst(new)
    for (kind, where), one in after.items():
        was = before.get((kind, where))
        if (was and was["verdict"]) == one["verdict"] or (was is None and one["verdict"] != "against"):
            continue
        words = f"{kind}: {one['verdict']}, {'not said' if was is None else was['verdict']} before: {one['words']}"
        yield Change(where, words, one["verdict"] == "against")
    for (kind, where), one in before.items():
        if one["verdict"] == "against" and (kind, where) not in after:
            yield Change(where, f"{kind}: against before, not said any more: {one['words']}")


def _worst(audit: Audit) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return the worst statement of each kind about each thing."""
    worst: dict[tuple[str, str], Mapping[str, Any]] = {}
    for one in audit["statements"]:
        known = worst.setdefault((one["kind"], one["where"]), one)
        if ORDER.index(one["verdict"]) < ORDER.index(known["verdict"]):
            worst[one["kind"], one["where"]] = one
    return worst


def _moved(old: Audit, new: Audit, alpha: float) -> Iterator[Change]:
    """Yield the modules whose mean squares changed, in order of call."""
    before = {one["name"]: one for one in old["modules"]}
    both = [(before[one["name"]], one, what) for one in new["modules"] if one["name"] in before for what in SQUARES]
    pairs = [(one["name"], what, _values(was, what), _values(one, what)) for was, one, what in both]
    pairs = [pair for pair in pairs if pair[2].size and pair[3].size]
    few = min((min(a.size, b.size) for _, _, a, b in pairs), default=1)
    if pairs and 2 / math.comb(2 * few, few) > alpha / len(pairs):
        yield Change("mean squares", f"{few} seeds cannot show whether they changed; give more to both audits")
        return
    for name, what, a, b in pairs:
        count = min(a.size, b.size)
        found = same_law({what: a[:count]}, {what: b[:count]}, error=1.0, alpha=alpha / len(pairs))
        was, now = float(np.median(a)), float(np.median(b))
        if found.verdict == "refuted" and not math.isclose(was, now, rel_tol=ROUNDING):
            times = f", {now / was:.3g} times" if was > 0 else ""
            yield Change(name, f"{what.removeprefix('output ')} {was:.3g} before, {now:.3g} now{times}")


def _values(module: Mapping[str, Any], what: str) -> np.ndarray:
    """Return the finite values of a mean square over the seeds."""
    given = module["seeds"].get(what) or []
    values = np.array([value for value in given if value is not None], dtype=np.float64)
    if values.ndim != 1 or not all(math.isfinite(value) for value in values):
        raise ValueError(f"{what} of {module['name']!r}")
    return values


def _short(value: Any) -> str:
    return json.dumps(value)[:60]
