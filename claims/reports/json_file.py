"""The results of a run as JSON for programs."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Sequence
from importlib import metadata

from claims.catalogue import REGISTRY
from claims.examine import Checked, Result
from claims.registry import Claim
from claims.run import ALPHA, MISS, Effort
from evidence import Finding
from simulations import Inputs


def document(results: Sequence[Result], inputs: Inputs, seed: int, effort: Effort, seconds: float) -> dict[str, object]:
    """Return the results with what is needed to repeat them, in types that JSON knows."""
    libraries = ("numpy", "scipy", "sympy")
    return {
        "seed": seed,
        "alpha": ALPHA,
        "miss": MISS,
        "effort": effort,
        "seconds": round(seconds, 3),
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in libraries}},
        "inputs": inputs.source,
        "claims": [_claim(REGISTRY[result.claim_id], result) for result in results],
    }


def json_text(contents: dict[str, object]) -> str:
    """Return `contents` as the text of a JSON file."""
    return json.dumps(contents, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _claim(claim: Claim, result: Result) -> dict[str, object]:
    found = result.finding
    return {
        "id": claim.id,
        "catalogue": list(claim.codes),
        "paper": claim.paper,
        "where": claim.where,
        "states": claim.states,
        "kind": found.kind,
        "exact": claim.exact,
        "verdict": found.verdict,
        "p_value": found.p_value,
        "expected": _plain(found.expected),
        "measured": _plain(found.measured),
        "detectable": _plain(found.detectable),
        "non_vacuous": found.non_vacuous,
        "seconds": round(result.seconds, 3),
        "derivations": [_derivation(checked) for checked in result.derivations],
        "mutants": [
            _mutant(mutant.name, mutant.why, finding)
            for mutant, (_, finding) in zip(claim.mutants, result.mutants, strict=True)
        ],
    }


def _derivation(checked: Checked) -> dict[str, object]:
    steps = [{"says": says, "verified": how} for says, how in checked.steps]
    return {"title": checked.title, "steps": steps, "trouble": checked.trouble or None}


def _mutant(name: str, why: str, found: Finding) -> dict[str, object]:
    return {
        "name": name,
        "why": why,
        "verdict": found.verdict,
        "p_value": found.p_value,
        "effect": _plain(found.effect),
        "miss_probability": found.miss,
    }


def _plain(value: float | str) -> float | str:
    return value if isinstance(value, str) or math.isfinite(value) else str(value)
