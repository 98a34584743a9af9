"""The results of a run as JSON for programs, and files that are written whole or not at all."""

from __future__ import annotations

import json
import math
import os
import platform
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from claims.catalogue import REGISTRY
from claims.examine import Result
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


def write(path: Path, contents: str | bytes) -> None:
    """Write a file (text as UTF-8) through a temporary neighbour and a rename.

    Raises
    ------
    OSError
        If the file cannot be written; nothing is left behind.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(contents.encode() if isinstance(contents, str) else contents)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def unwritable(path: Path) -> str:
    """Say why a file at `path` could not be written, or return an empty text; creates nothing."""
    if path.is_dir():
        return "it is a folder"
    if path.exists() and not path.is_file():
        return "it is a device or a pipe"
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            return ""
    except OSError as error:
        return error.strerror or str(error)


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
        "mutants": [
            _mutant(mutant.name, mutant.why, finding)
            for mutant, (_, finding) in zip(claim.mutants, result.mutants, strict=True)
        ],
    }


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
