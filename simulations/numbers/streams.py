"""Random streams with addresses: who you are decides your numbers, not when or where you run.

A stream is found from a root seed and an address of names and numbers, such as ``("fixup.doubling", "He", 3)``. Names
enter through SHA-256 (``hash`` differs between processes), so results depend neither on worker count nor on order, and
a new claim moves no other claim's numbers.
"""

from __future__ import annotations

import hashlib
from numbers import Integral

import numpy as np

Address = str | int


def stream(root: int, *address: Address) -> np.random.Generator:
    """Open the generator at `address` below the seed `root` (SFC64, the fastest of NumPy's for normals).

    Raises
    ------
    TypeError
        If `root` is no whole number, or a part of the address is neither a name nor a whole number.
    ValueError
        If `root` is negative, or a number in the address is negative or 2**32 or more.
    """
    if not isinstance(root, Integral):
        raise TypeError(f"a seed must be a whole number, got {root!r}")
    for part in address:
        if not isinstance(part, str | Integral):
            raise TypeError(f"an address has names and whole numbers, got {part!r}")
    for number in (root, *address):
        if isinstance(number, Integral) and number < 0:
            raise ValueError(f"a seed or stream number must not be negative, got {number}")
    for number in address:
        if isinstance(number, Integral) and number >= 2**32:  # it would have the stream of a pair of smaller ones
            raise ValueError(f"a stream number must be below 2**32, got {number}")
    key = tuple(int(part) if isinstance(part, Integral) else _digest(part) for part in address)
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(int(root), spawn_key=key)))


def _digest(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big")
