"""What a measurement records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulations.numbers.arrays import Array


@dataclass(frozen=True)
class Record:
    """What was seen, per draw and position (0 is the input, then after every block); arrays (draws, positions).

    With several inputs a draw, their means.
    """

    square_norms: Array
    """Squared norm of the state."""
    variances: Array
    """Half the squared distance of twins, (draws / 2, positions); no positions if not asked for."""
    active: Array
    """Number of units that are not zero (NaN where the radial engine can't tell, at the input); no positions if not
    asked for."""
    gradient_square_norms: Array
    """Squared norm of the cotangent at the state; no positions if it was not passed back."""
    weight_gradients: dict[str, Array]
    """Squared Frobenius norm of the gradient of each parameter by name, (draws,); the last layer comes first."""
    losses: Array
    """Cross-entropy of the output as logits, (draws,); empty without targets."""
    widths: tuple[int, ...]
    """Features at each position; of images, all entries."""
    engine: str = "drawn"
    """The engine that was taken, and why."""

    @property
    def second_moment(self) -> Array:
        """The mean square of a unit at each position, averaged over draws and units."""
        moments: Array = self.square_norms.mean(axis=0) / self.widths
        return moments

    @property
    def gradient_second_moment(self) -> Array:
        """The mean square of an entry of the cotangent at each position, averaged over draws and units."""
        moments: Array = self.gradient_square_norms.mean(axis=0) / self.widths
        return moments

    @property
    def variance(self) -> Array:
        """The variance of a unit over weights at fixed input, averaged over draws and units."""
        variances: Array = self.variances.mean(axis=0) / self.widths
        return variances


def joined(parts: Sequence[Record]) -> Record:
    """Put the records of blocks of draws together."""
    first = parts[0]
    return Record(
        square_norms=np.concatenate([part.square_norms for part in parts]),
        variances=np.concatenate([part.variances for part in parts]),
        active=np.concatenate([part.active for part in parts]),
        gradient_square_norms=np.concatenate([part.gradient_square_norms for part in parts]),
        weight_gradients={
            name: np.concatenate([part.weight_gradients[name] for part in parts]) for name in first.weight_gradients
        },
        losses=np.concatenate([part.losses for part in parts]),
        widths=first.widths,
    )
