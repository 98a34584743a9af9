"""Profiles as JSON: everything by position, in base-2 logarithms where numbers may be huge, null for none."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict

from profiles.formats import Leaving
from profiles.loss import Loss
from profiles.record import Column, Profile
from profiles.slope import Slope
from profiles.verdicts import ALPHA
from simulations.numbers.arrays import Array


def document(
    profiles: Sequence[Profile], losses: Sequence[Loss | None], leavings: Sequence[Sequence[Leaving]], settings: object
) -> str:
    """Return the text of the file."""
    parts = [
        _profile(found) | {"loss": None if loss is None else asdict(loss), "formats": [asdict(one) for one in leaving]}
        for found, loss, leaving in zip(profiles, losses, leavings, strict=True)
    ]
    whole = {"false_alarms": ALPHA, "settings": settings, "profiles": parts}
    return json.dumps(_finite(whole), indent=1) + "\n"


def _profile(found: Profile) -> dict[str, object]:
    return {
        "name": found.name,
        "verdict": found.verdict,
        "verdicts": [found.at(position) for position in range(len(found.widths))],
        "widths": list(found.widths),
        "draws": found.draws,
        "state_draws": found.state_draws,
        "engine": found.engine,
        "theory": [step.theory for step in found.steps],
        "log2_second_moment": _column(found.second_moment),
        "log2_variance": _column(found.variance),
        "log2_gradient": _column(found.gradient),
        "typical_log2_second_moment": found.typical.tolist(),
        "mean": _list(found.means),
        "active": _list(found.active),
        "slope": _slope(found.forward_slope),
        "gradient_slope": _slope(found.gradient_slope),
        "tests": [
            {
                "position": test.position,
                "what": test.what,
                "verdict": finding.verdict,
                "p_value": finding.p_value,
                "expected": finding.expected,
                "measured": finding.measured,
                "sees": finding.detectable,
            }
            for test, finding in found.findings
        ],
    }


def _column(column: Column | None) -> dict[str, object] | None:
    if column is None:
        return None
    return {
        "expected": column.expected.tolist(),
        "measured": column.measured.tolist(),
        "reading": list(column.readings),
    }


def _list(values: Array | None) -> object:
    return None if values is None else values.tolist()


def _slope(one: Slope | None) -> object:
    return None if one is None else asdict(one) | {"agrees": one.agrees}


def _finite(value: object) -> object:
    """Replace what JSON has no number for: NaN by null, infinities by their names."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value
