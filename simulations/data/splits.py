"""Data to train on: images and labels, split into training, validation and test, at a stated scale.

Scale: every pixel is less the mean, and divided by the standard deviation, of all pixels of the training split (of each
channel, for colours), so that an input of n pixels has a squared norm of about n.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.data.cifar import cifar10
from simulations.data.inputs import InputError
from simulations.numbers.streams import stream


@dataclass(frozen=True)
class Labelled:
    """Inputs (samples, features) or (samples, channels, height, width) and their labels (samples)."""

    x: NDArray[Any]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Data:
    """Inputs to learn from, to choose by and to report on.

    Raises
    ------
    InputError
        If a split has no inputs or not one label for each, shapes differ, a value is NaN or infinite, or a label is
        outside the classes.
    """

    training: Labelled
    validation: Labelled
    test: Labelled
    classes: int
    source: str

    def __post_init__(self) -> None:
        for name in ("training", "validation", "test"):
            part: Labelled = getattr(self, name)
            if not len(part) or part.labels.ndim != 1 or len(part.x) != len(part):
                raise InputError(
                    f"the {name} inputs have shape {part.x.shape} and their labels {part.labels.shape}; expected at "
                    f"least one input and one label for each"
                )
            if part.x.ndim not in (2, 4) or part.x.shape[1:] != self.training.x.shape[1:]:
                raise InputError(
                    f"the {name} inputs have shape {part.x.shape}; expected (samples, features) or (samples, channels, "
                    f"height, width), the same in all splits"
                )
            if not np.isfinite(part.x).all():
                raise InputError(f"the {name} inputs have values that are NaN or infinite; expected finite numbers")
            if part.labels.dtype.kind not in "iu" or part.labels.min() < 0 or part.labels.max() >= self.classes:
                raise InputError(
                    f"the {name} labels go from {part.labels.min()} to {part.labels.max()}; expected integers from 0 "
                    f"to {self.classes - 1}"
                )

    def flattened(self) -> Data:
        """Return the same with rows of features for images."""
        return self._with(lambda x: x.reshape(len(x), -1))

    def scaled(self) -> Data:
        """Return the same at the stated scale, in float32."""
        x = self.training.x
        axes = (0, *range(2 if x.ndim == 4 else 1, x.ndim))
        mean, deviation = (f(x, axis=axes, keepdims=True, dtype=np.float64) for f in (np.mean, np.std))
        if not (deviation > 0).all():
            raise InputError("the training inputs are all equal; expected inputs that vary")
        return self._with(lambda x: ((x - mean) / deviation).astype(np.float32))

    def _with(self, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Data:
        names = ("training", "validation", "test")
        parts = {name: getattr(self, name) for name in names}
        return replace(self, **{name: replace(part, x=change(part.x)) for name, part in parts.items()})


DIGITS = (1300, 200, 297)
"""Training, validation and test images of the shipped digits."""


def digits_split() -> Data:
    """Split the 1,797 optical digits, images (1, 8, 8), by a permutation from ``stream(0, "digits", "split")``."""
    shipped = resources.files(__package__).joinpath("digits.npz")
    with shipped.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        x, labels = archive["x"].reshape(-1, 1, 8, 8), archive["y"].astype(np.int64)
    order = stream(0, "digits", "split").permutation(len(x))
    rows = np.split(order, np.cumsum(DIGITS)[:-1])
    training, validation, test = (Labelled(x[some], labels[some]) for some in rows)
    return Data(training, validation, test, 10, "optical digits (UCI, 8x8)").scaled()


def cifar_split(folder: str | Path, *, validation: int = 5000) -> Data:
    """Split CIFAR-10's training images into training and validation by ``stream(0, "cifar", "split")``."""
    (x, labels), (test_x, test_labels) = cifar10(folder)
    order = stream(0, "cifar", "split").permutation(len(x))
    held, learnt = order[:validation], order[validation:]
    parts = (Labelled(x[learnt], labels[learnt]), Labelled(x[held], labels[held]), Labelled(test_x, test_labels))
    return Data(*parts, classes=10, source="CIFAR-10, binary version").scaled()
