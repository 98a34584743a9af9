"""What was seen of a model over the seeds: moments at every module, entries of parameters, gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from audit.fans import Part
from audit.graph import Array, Graph

__all__ = ["COLUMNS", "ENTRIES", "Array", "Measured", "Module"]
ENTRIES = 1 << 15
"""Entries of a parameter that are kept, over all seeds; of at least two seeds."""
COLUMNS = ("mean square", "mean", "zeros", "not finite")


@dataclass
class Module:
    """A module over the seeds, in the order of its first call; arrays are (seeds,), NaN where nothing was seen."""

    name: str
    kind: str
    size: int
    seeds: int
    order: int = -1
    entered: set[int] = field(default_factory=set)
    moments: dict[str, Array] = field(default_factory=dict)
    """By "input mean square" and so on: of the input, the output and the gradient at the output."""
    squares: Array | None = None
    """Of a linear layer: the mean square it put out, its bias taken away."""
    expected: Array | None = None
    """Its expectation given the input, at weights of variance 1."""
    spread: Array | None = None
    """A bound on the variance of their ratio, given the input, at entries of kurtosis 3 or less."""
    rows: int = 0
    """Rows of weights of a group."""
    key: str = "weight"
    """What its weights are called."""

    def note(self, what: str, seed: int, moments: Sequence[float] | None) -> None:
        """Keep the moments of what was seen first under this seed."""
        for column, value in zip(COLUMNS, moments or (), strict=False):
            name = f"{what} {column}"
            if name not in self.moments:
                self.moments[name] = np.full(self.seeds, np.nan)
            if math.isnan(self.moments[name][seed]):
                self.moments[name][seed] = value

    def remember(self, what: str, seed: int, value: float) -> None:
        """Keep one number of a seed."""
        self.moments.setdefault(what, np.full(self.seeds, np.nan))[seed] = value

    def first(self, seed: int, called: int) -> bool:
        """Count a call, the `called`-th of all; whether it is the module's first under this seed."""
        self.order = called if self.order < 0 else self.order
        fresh = seed not in self.entered
        self.entered.add(seed)
        return fresh

    @property
    def weight(self) -> str:
        """The full name of its weights."""
        return f"{self.name}.{self.key}" if self.name else self.key

    def layer(self, seed: int, squares: float, expected: float, spread: float, rows: int) -> None:
        """Keep what a linear layer put out, and what could be expected."""
        if self.squares is None or self.expected is None or self.spread is None:
            self.squares, self.expected, self.spread = (np.full(self.seeds, np.nan) for _ in range(3))
        self.squares[seed], self.expected[seed], self.spread[seed] = squares, expected, spread
        self.rows = rows

    def mean(self, what: str) -> float:
        """Return a moment's mean over the seeds in which it was seen, or NaN."""
        row = self.moments.get(what)
        seen = row[~np.isnan(row)] if row is not None else np.empty(0)
        return float(seen.mean()) if seen.size else float("nan")


@dataclass
class Measured:
    """Everything that was seen."""

    seeds: int
    modules: dict[str, Module] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    tied: set[str] = field(default_factory=set)
    frozen: set[str] = field(default_factory=set)
    entries: dict[str, list[np.ndarray]] = field(default_factory=dict)
    gradients: dict[str, Array] = field(default_factory=dict)
    """Mean square (seeds,); NaN where there was none at all, infinite where it is not finite."""
    losses: dict[str, Array] = field(default_factory=dict)
    """Of a loss: its value, that of a guess, and what it is made of (seeds,)."""
    norms: dict[str, Array] = field(default_factory=dict)
    """Square norms of parameters (seeds,), and by an empty name of the input, where there is a cross-entropy."""
    input_gradient: Array = field(default_factory=lambda: np.empty(0))
    """The square norm of the gradient at the input (seeds,), likewise."""
    sets: dict[str, tuple[tuple[str, ...], int]] = field(default_factory=dict)
    """Parameters, and degree, of sets in which the logits are positively homogeneous; of the input no parameters."""
    called: int = 0
    train: bool = False
    graph: Graph = field(default_factory=Graph)
    """Of the model, as far as the first two seeds agree."""
    reached: bool = False
    """Whether a gradient came back to the input, or to a lookup of tokens, under any seed."""

    def module(self, name: str, kind: str, size: int) -> Module:
        """Return the record of a module, new or known."""
        return self.modules.setdefault(name, Module(name, kind, size, self.seeds))

    def keep(self, key: str, array: np.ndarray) -> None:
        """Keep a parameter's entries, while there are not enough of them."""
        kept = self.entries.setdefault(key, [])
        if len(kept) < 2 or sum(one.size for one in kept) < ENTRIES:
            kept.append(array.copy())

    def gradient(self, key: str, seed: int, value: float | None) -> None:
        """Keep the mean square of a parameter's gradient."""
        row = self.gradients.setdefault(key, np.full(self.seeds, np.nan))
        if value is not None:
            row[seed] = value if math.isfinite(value) else math.inf

    def note_loss(self, seed: int, **values: float) -> None:
        """Keep a loss and its parts."""
        for what, value in values.items():
            self.losses.setdefault(what, np.full(self.seeds, np.nan))[seed] = value

    def not_finite(self, seed: int) -> str:
        """Return the first module, in the order of calls, that put out something not finite, or an empty text."""
        for one in self.in_order():
            bad = one.moments.get("output not finite")
            if bad is not None and bad[seed] > 0:
                return f"module {one.name!r} ({one.kind})" if one.name else "the model"
        return ""

    def in_order(self) -> list[Module]:
        """Return the modules that were called, in the order in which their first calls ended."""
        return sorted((one for one in self.modules.values() if one.order >= 0), key=lambda one: one.order)
