"""At which depth the mean squares of a network leave a number format, by theory and by what was measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from profiles.record import Column
from simulations.numbers.arrays import Array
from theory.derivation import Derivation
from theory.precision import formats
from theory.precision.formats import FLOAT16, FLOAT32, Format

FORMATS = {"float16": FLOAT16, "float32": FLOAT32}


@dataclass(frozen=True)
class Leaving:
    """The first position at which a quantity is infinite or 0 in a format; None if it stays.

    Attributes
    ----------
    quantity : str
    expected, measured : int or None
        By the closed form, and by the means that were measured.
    end : "infinite" or "0"
        At which end it leaves.
    """

    quantity: str
    format: str
    expected: int | None
    measured: int | None
    end: str

    @property
    def words(self) -> str:
        """Say it in a sentence."""
        if self.expected is None and self.measured is None:
            return f"{self.format}: the {self.quantity} stays in range"
        by = [
            f"{where} by {who}"
            for where, who in ((self.expected, "theory"), (self.measured, "measurement"))
            if where is not None
        ]
        return f"{self.format}: the {self.quantity} is {self.end} from position {', '.join(by)}"


def leaving(quantity: str, column: Column, name: str, *, backward: bool = False) -> list[Leaving]:
    """Say where the mean square in `column`, and its root, leave the format of this name.

    Parameters
    ----------
    backward : bool
        Whether the way begins at the last position.
    """
    kind = FORMATS[name]
    high, low = (_log2_threshold(derivation(), kind) for derivation in (formats.overflow, formats.vanishing))
    found = []
    for power, words in ((1.0, f"mean square of {quantity}"), (0.5, f"root mean square of {quantity}")):
        ways = [_first(power * logs, low, high, backward) for logs in (column.expected, column.measured)]
        end = next((way[1] for way in ways if way is not None), "infinite")
        places = [None if way is None else way[0] for way in ways]
        found.append(Leaving(words, name, places[0], places[1], end))
    return found


def _log2_threshold(derivation: Derivation, kind: Format) -> float:
    return float(np.log2(float(derivation.at({formats.BITS: kind.bits, formats.TOP: kind.top}))))


def _first(logs: Array, low: float, high: float, backward: bool) -> tuple[int, str] | None:
    """Return the first position on the way at which a number is beyond the thresholds; true zeros are not."""
    order = range(len(logs) - 1, -1, -1) if backward else range(len(logs))
    for position in order:
        if logs[position] >= high:
            return position, "infinite"
        if np.isfinite(logs[position]) and logs[position] <= low:
            return position, "0"
    return None
