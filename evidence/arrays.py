"""The array that all evidence takes and returns: float64 of any shape, its first axis counting independent draws."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def real(numbers: ArrayLike, what: str) -> Array:
    """Return real numbers, in an array or in lists, in double precision.

    Raises
    ------
    ValueError
        If they are no real numbers, or lists of different lengths; the message calls them `what`.
    """
    try:
        found = np.asarray(numbers)
    except ValueError:  # numpy has no array of rows of different lengths
        raise ValueError(f"expected {what} as an array, got rows of different lengths") from None
    if found.dtype.kind not in "fiub":
        raise ValueError(f"expected {what} that are real numbers, got {found.dtype}")
    return found.astype(np.float64, copy=False)
