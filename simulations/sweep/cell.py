"""A cell of a sweep: one kind of network at one kind of input, and the key that addresses its streams and results."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass


class GridError(ValueError):
    """A grid that cannot be swept: what is wrong with it, and what was expected, in one line."""


@dataclass(frozen=True)
class Cell:
    """What one network of a sweep is; plain values only, so that its key says all."""

    architecture: str
    init: str
    activation: str
    depth: int
    width: int
    inputs: str
    logit_scale: float = 1.0
    engine: str = "auto"

    @property
    def key(self) -> str:
        """The fields as canonical JSON, sorted by name."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), allow_nan=False)


def known(kind: str, name: object, names: Iterable[str]) -> str:
    """Return `name` if it is one of `names`.

    Raises
    ------
    GridError
        If it is not; the message has the nearest one.
    """
    names = list(names)
    if isinstance(name, str) and name in names:
        return name
    near = difflib.get_close_matches(str(name), names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise GridError(f"unknown {kind} {name!r}; {hint}expected one of {', '.join(names)}")
