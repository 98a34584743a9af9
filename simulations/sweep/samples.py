"""The inputs of a sweep: a fresh one (or a small batch) for every draw of the weights, with a label.

- *signs*: independent random signs, whose mean square is exactly 1;
- *gaussian*: independent N(0, 1);
- *digits*: a real digit at its raw scale, averaged or padded with zeros to the network's width, with its label;
- *unit_digits*: the same, each scaled to mean square 1.

Labels of the first two are uniform on ten classes.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from simulations.data.inputs import digits
from simulations.layers.losses import one_hot
from simulations.numbers.arrays import Array
from simulations.sweep.cell import Cell, known
from simulations.sweep.networks import CLASSES, layer_widths
from simulations.weights.initialisers import gaussian, rademacher

INPUTS = ("signs", "gaussian", "digits", "unit_digits")
DIGIT_FEATURES = 64
"""Of a digit; beyond them are zeros, which no norm sees."""


def draw_rows(cell: Cell, rng: np.random.Generator, draws: int, batch: int = 1) -> tuple[Array, Array]:
    """Draw inputs (draws, batch, features) and one-hot targets (draws, batch, classes), all rows independent."""
    features = layer_widths(cell)[0]
    if known("inputs", cell.inputs, INPUTS).endswith("digits"):
        rows, targets = _digits(features, cell.inputs == "unit_digits")
        chosen = rng.integers(len(rows), size=(draws, batch))
        return rows[chosen], targets[chosen]
    law = rademacher if cell.inputs == "signs" else gaussian
    return law(rng, (draws, batch, features)), _labels(rng, draws, batch)


def draw_square_norms(
    cell: Cell, rng: np.random.Generator, draws: int, labelled: bool = False
) -> tuple[Array, Array | None]:
    """Draw the squared norms (draws,) of single inputs, at any width, and if `labelled` targets (draws, classes)."""
    features = layer_widths(cell)[0]
    if known("inputs", cell.inputs, INPUTS).endswith("digits"):
        rows, targets = _digits(min(features, DIGIT_FEATURES), unit=False)
        chosen = rng.integers(len(rows), size=draws)
        norms = np.square(rows).sum(axis=-1)[chosen]
        if cell.inputs == "unit_digits":
            norms = np.full(draws, float(features))
        return norms, targets[chosen] if labelled else None
    norms = np.full(draws, float(features)) if cell.inputs == "signs" else rng.chisquare(features, draws)
    return norms, _labels(rng, draws, 1)[:, 0] if labelled else None


def _labels(rng: np.random.Generator, draws: int, batch: int) -> Array:
    return one_hot(rng.integers(CLASSES, size=(draws, batch)), CLASSES)


@lru_cache(maxsize=8)
def _digits(features: int, unit: bool) -> tuple[Array, Array]:
    """Return the shipped digits at this many features (no row of them is all zero) and their targets."""
    source = digits()
    rows = source.narrowed(features)
    if len(rows) != len(source.x):
        raise ValueError(f"some digits are all zero when averaged to {features} features; take a larger width")
    if unit:
        rows = rows / np.sqrt(np.square(rows).mean(axis=1, keepdims=True))
    return rows, source.targets
