"""Real inputs: the optical digits that Fathom ships, or the user's own arrays; at most 256 rows, chosen by the seed."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from numbers import Integral
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulations.data.files import InputError as InputError
from simulations.data.files import archive, read
from simulations.layers.losses import one_hot
from simulations.numbers.arrays import Array
from simulations.numbers.streams import stream

MOST_ROWS = 256


@dataclass(frozen=True)
class Inputs:
    """Rows of features at their raw scale, with integer labels from 0 to ``classes - 1``."""

    x: Array
    labels: NDArray[np.int64]
    classes: int
    source: str

    @property
    def zero_rows(self) -> int:
        """The number of all-zero rows, for which Theorem 1 divides by zero."""
        return int((~self.x.any(axis=1)).sum())

    @property
    def targets(self) -> Array:
        """The labels as one-hot rows (samples, classes)."""
        return one_hot(self.labels, self.classes)

    def nonzero(self) -> Array:
        """Return the rows that are not all zero."""
        return self.x[self.x.any(axis=1)]

    def narrowed(self, width: int) -> Array:
        """Return the rows averaged over `width` groups of consecutive features, all-zero results left out.

        Where a claim holds at any width, small widths give it power; fewer features than `width` are padded with zeros.

        Raises
        ------
        InputError
            If the width is no whole number of at least 1.
        """
        if not isinstance(width, Integral) or width < 1:
            raise InputError(f"expected a width of at least 1, a whole number, got {width!r}")
        features = self.x.shape[1]
        if features <= width:
            rows = np.pad(self.x, ((0, 0), (0, width - features)))
        else:
            edges = np.linspace(0, features, width + 1).astype(int)[:-1]
            rows = np.add.reduceat(self.x, edges, axis=1) / np.diff([*edges, features])
        return rows[rows.any(axis=1)]


def digits(seed: int = 0) -> Inputs:
    """Load the 8x8 optical digits of the UCI repository (CC BY 4.0; see ``simulations/data/README.md``)."""
    with resources.files(__package__).joinpath("digits.npz").open("rb") as file:
        x, y = archive(file, "the shipped digits")
    return _choose(x, y, seed, "optical digits (UCI, 8x8, raw scale 0 to 16)")


def load(path: str | Path, seed: int = 0) -> Inputs:
    """Load features (samples, features) and integer labels (samples) from a file (see `simulations.data.files`).

    Raises
    ------
    InputError
        If the file cannot be read, is pickled or malformed, or the arrays do not fit; the message says what was
        expected.
    """
    x, y = read(Path(path))
    return _choose(x, y, seed, f"{path} (raw scale)")


def _choose(x: np.ndarray, y: np.ndarray, seed: int, source: str) -> Inputs:
    if x.ndim != 2 or 0 in x.shape or x.dtype.kind not in "fiub":
        raise InputError(f"x has shape {x.shape} and type {x.dtype}; expected real numbers (samples, features)")
    if y.ndim != 1 or y.dtype.kind not in "iu" or len(y) != len(x):
        raise InputError(
            f"y has shape {y.shape} and type {y.dtype}; expected {len(x)} integer labels, one for each row of x"
        )
    rows = np.sort(stream(seed, "inputs").permutation(len(x))[:MOST_ROWS])
    chosen = x[rows].astype(np.float64)
    if not np.isfinite(x).all():
        raise InputError(
            f"x has {int((~np.isfinite(x)).sum())} values that are NaN or infinite; expected finite numbers"
        )
    values, labels = np.unique(y, return_inverse=True)
    if len(values) < 2:
        raise InputError(f"y has one class only ({values[0]}); expected at least 2")
    if not chosen.any():
        raise InputError("x is zero in every chosen row; expected at least one row that is not")
    return Inputs(chosen, labels[rows].astype(np.int64), len(values), f"{source}, {len(rows)} of {len(x)} rows")
