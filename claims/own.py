"""A user's own claims, from a file anywhere: importing it registers them, with ids that begin with its name.

The file's folder is put at the end of the path on which Python looks for modules, which worker processes inherit.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path

from claims.catalogue import REGISTRY, SUBJECTS


class OwnClaimsError(ValueError):
    """A file of claims that cannot be used, with what was wrong and what was expected."""


def import_claims(path: Path) -> list[str]:
    """Import a file and return the ids of the claims that it registers.

    Raises
    ------
    OwnClaimsError
        If there is no such file, its name is no name of a module or taken, importing it fails, or it has no claim.
    """
    name = path.stem
    if path.suffix != ".py" or not path.is_file():
        raise OwnClaimsError(f"cannot read {path}: there is no such file; expected a Python file with claims")
    if not name.isidentifier() or name in SUBJECTS or name in sys.stdlib_module_names or _elsewhere(path):
        raise OwnClaimsError(
            f"{path.name} has the name of something else, or one that Python cannot import; rename it, such as to "
            f"my_claims.py (ids of its claims begin with that)"
        )
    sys.path.append(str(path.resolve().parent))
    try:
        importlib.import_module(name)
    except (Exception, SystemExit) as error:  # whatever a user's file may raise
        raise OwnClaimsError(f"{path} cannot be imported{_where(error, path)}: {_said(error)}") from None
    found = [claim for claim in REGISTRY if claim.startswith(f"{name}.")]
    if not found:
        raise OwnClaimsError(f"{path} has no claim; expected functions with the decorator claims.claim")
    return found


def _elsewhere(path: Path) -> bool:
    """Say whether the name is already that of another module."""
    spec = importlib.util.find_spec(path.stem)
    return spec is not None and spec.origin is not None and Path(spec.origin).resolve() != path.resolve()


def _where(error: BaseException, path: Path) -> str:
    """Return the line of the file, if it was one of the file's."""
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}"
    lines = [one.lineno for one in traceback.extract_tb(error.__traceback__) if Path(one.filename) == path.resolve()]
    return f", line {lines[-1]}" if lines else ""


def _said(error: BaseException) -> str:
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {said}"
