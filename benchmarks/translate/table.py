"""The part `translate` of docs/translate.md: made of what was run, and silent about what was not."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from benchmarks.translate import dropout, quality, stable
from benchmarks.translate.store import Outcome, Store, TimeIsUpError, read
from simulations.transformer.recipes import RECIPES

SEEDS = 3
Known = TypeVar("Known")


def text(path: Path) -> str:
    """Return the tables with the settings of their runs."""
    settings = ", ".join(f"{name} {value}" for name, value in read(path)["settings"].items())
    head = f"Settings of all tables: {settings}."
    return "\n\n".join([head, stable_rates(path), qualities(path), dropouts(path)])


def stable_rates(path: Path) -> str:
    """Return largest stable rates by recipe and number of branches: the median over seeds, and their range."""
    store = Store(path, "stable", stable.measure, ends=-math.inf)
    rows = {}
    for recipe in RECIPES:
        found: dict[int, list[float | None]] = {}
        for seed in range(SEEDS):
            for layers in stable.DEPTHS:  # those that are whole
                depths = tuple(depth for depth in stable.DEPTHS if depth <= layers)
                rates = _known(partial(stable.rates, store, recipe, seed, depths))
                if rates is not None:
                    found.setdefault(layers, []).append(rates[layers])
        rows[recipe] = [_rates(found.get(layers)) for layers in stable.DEPTHS]
    return _table(["largest stable rate, SGD", *(f"L = {5 * layers}" for layers in stable.DEPTHS)], rows)


def qualities(path: Path) -> str:
    """Return validation loss, exact match, BLEU and rate by recipe, optimiser and layers."""
    store = Store(path, "quality", quality.measure, ends=-math.inf)
    rows = {}
    for recipe in RECIPES:
        for name in quality.RATES:
            cells = []
            for layers in quality.LAYERS:
                tries = (
                    _known(partial(quality.best, store, recipe, layers, name, seeds)) for seeds in range(SEEDS, 0, -1)
                )
                cells.append(_quality(next((one for one in tries if one), None)))
            rows[f"{recipe}, {name}"] = cells
    return _table([f"after {quality.STEPS} steps", *(f"{layers} + {layers} layers" for layers in quality.LAYERS)], rows)


def dropouts(path: Path) -> str:
    """Return the loss of training and of validation pairs, exact match and BLEU, by recipe and share dropped."""
    store = Store(path, "dropout", dropout.measure, ends=-math.inf, pairs=dropout.PAIRS)
    rows = {}
    for recipe in dropout.RECIPES:
        cells = []
        for share in dropout.SHARES:
            found = [_known(partial(dropout.outcome, store, recipe, share, seed)) for seed in range(SEEDS)]
            cells.append(_regularised([one for one in found if one]))
        rows[recipe] = cells
    head = f"after {dropout.STEPS} steps on {dropout.PAIRS} pairs"
    return _table([head, *(f"dropout {share:g}" for share in dropout.SHARES)], rows)


def _known(ask: Callable[[], Known]) -> Known | None:
    try:
        return ask()
    except TimeIsUpError:
        return None


def _rates(found: list[float | None] | None) -> str:
    if not found:
        return ""
    some = sorted(rate or 0.0 for rate in found)
    middle = statistics.median_low(some)
    shown = f"{middle:.2g}" if middle else "none"
    return shown if len(some) == 1 else f"{shown} ({some[0]:.2g} to {some[-1]:.2g})"


def _quality(found: list[Outcome] | None) -> str:
    if not found:
        return ""
    alive = [one for one in found if one["loss"] is not None]
    if not alive:
        return "diverges"
    loss, exact, bleu = (statistics.mean(one[name] for one in alive) for name in ("loss", "exact", "bleu"))
    shown = f"{loss:.2f}; {100 * exact:.0f} %, {bleu:.0f}; {alive[0]['rate']:g}"
    seeds = f"; {len(found)} seeds" if len(found) > 1 else ""
    return shown + seeds + (f", {len(found) - len(alive)} diverged" if len(alive) < len(found) else "")


def _regularised(found: list[Outcome]) -> str:
    alive = [one for one in found if one["loss"] is not None]
    if not alive:
        return "diverges" if found else ""
    names = ("training", "loss", "exact", "bleu")
    training, loss, exact, bleu = (statistics.mean(one[name] for one in alive) for name in names)
    seeds = f"; {len(found)} seeds" if len(found) > 1 else ""
    return f"{training:.2f}, {loss:.2f}; {100 * exact:.0f} %, {bleu:.0f}{seeds}"


def _table(head: list[str], rows: dict[str, list[str]]) -> str:
    """Return a table of the rows that have anything."""
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    return "\n".join([*lines, *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items() if any(cells))])
