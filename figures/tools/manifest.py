"""Which picture was made how: a record of parameters, seed, versions and digests."""

from __future__ import annotations

import hashlib
import json
import platform
from pathlib import Path
from typing import Any

from simulations.files import write as write_file

VERSION = 1


class ManifestError(ValueError):
    """A manifest that is missing, damaged or of another version, with what to do."""


def digest(content: bytes) -> str:
    """Return the SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def machine() -> str:
    """Return what data may depend on beyond their parameters."""
    return f"{platform.system()} {platform.machine()} {_processor()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())


def versions() -> dict[str, str]:
    """Return the versions of what draws."""
    import matplotlib
    import numpy as np

    return {"python": platform.python_version(), "numpy": np.__version__, "matplotlib": matplotlib.__version__}


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Return the entries of a manifest by figure.

    Raises
    ------
    ManifestError
        If it is missing, damaged or of another version.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != VERSION:
            raise ManifestError(f"{path} is of version {content['version']}, expected {VERSION}; draw all figures anew")
        return dict(content["figures"])
    except FileNotFoundError:
        raise ManifestError(f"there is no {path}; draw all figures first (make figures)") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, ManifestError):
            raise
        raise ManifestError(f"{path} is damaged ({error}); draw all figures anew (make figures)") from None


def write(path: Path, entries: dict[str, dict[str, Any]]) -> None:
    """Write a manifest with its entries in alphabetical order."""
    content = {"version": VERSION, "figures": dict(sorted(entries.items()))}
    write_file(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
