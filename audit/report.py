"""An audit's statements, as JSON and as the exit status of a command."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from audit.measured import Array, Measured
from audit.places import Place
from audit.statement import ORDER, Statement

SCHEMA = "fathom-audit/2"
SQUARES = ("output mean square", "gradient mean square")
"""What is told seed by seed, for `audit.against`."""


@dataclass(frozen=True)
class Report:
    """What an audit said, worst first."""

    statements: tuple[Statement, ...]
    seeds: int
    train: bool
    alpha: float
    claims: Mapping[str, str]
    measured: Measured = field(repr=False)
    places: tuple[Place, ...] = field(default=(), repr=False)
    """Along the net, what is predicted and what was seen."""
    input: str = ""
    """A fingerprint of what the model was called with."""

    @property
    def sound(self) -> bool:
        """Whether nothing is said against the model."""
        return not any(one.verdict == "against" for one in self.statements)

    @property
    def status(self) -> int:
        """The exit status: 0 if it is sound, else 1."""
        return 0 if self.sound else 1

    def about(self, where: str, kind: str = "") -> list[Statement]:
        """Return what is said of one parameter or module, of one kind if that is given."""
        return [one for one in self.statements if one.where == where and kind in ("", one.kind)]

    def counts(self) -> dict[str, int]:
        """Return how many statements have each verdict."""
        count = Counter(one.verdict for one in self.statements)
        return {verdict: count[verdict] for verdict in ORDER}

    def as_json(self) -> str:
        """Return everything as JSON; numbers that are not finite are null."""
        modules = [
            {"name": one.name, "kind": one.kind, "parameters": one.size}
            | {what: _finite(one.mean(what)) for what in sorted(one.moments)}
            | {"seeds": {what: _rounded(one.moments.get(what)) for what in SQUARES}}
            for one in self.measured.in_order()
        ]
        made = {
            "schema": SCHEMA,
            "sound": self.sound,
            "seeds": self.seeds,
            "mode": "train" if self.train else "eval",
            "alpha": self.alpha,
            "claims": dict(self.claims),
            "input": self.input,
            "parameters": self.measured.sizes,
            "verdicts": self.counts(),
            "statements": [_finite(asdict(one)) for one in self.statements],
            "along": [_finite(one.as_numbers()) for one in self.places],
            "modules": modules,
        }
        lines = json.dumps(made, indent=2, allow_nan=False)
        return re.sub(r"\[\n[^][{}\"]*\]", lambda row: " ".join(row[0].split()), lines) + "\n"  # numbers in one line

    def as_html(self, title: str) -> str:
        """Return a page that fetches nothing, about the model called `title`."""
        from audit.page import render  # here, as claims stand behind its style

        return render(self, title)

    def __str__(self) -> str:
        """Return the table of the terminal, without colours."""
        from audit.terminal import plain

        return plain(self)


def _rounded(row: Array | None) -> list[float | None]:
    """Return a mean square under each seed, to seven digits."""
    return [] if row is None else [_finite(float(f"{value:.6e}")) for value in row]


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
