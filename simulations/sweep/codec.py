"""Moments as bytes: every field in order as type, shape and little-endian numbers; nothing pickled, nothing lost."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from dataclasses import fields
from math import prod
from typing import Any

import numpy as np

from simulations.sweep.moments import Moments

_TYPES = {b"f": np.dtype("<f8"), b"i": np.dtype("<i8")}


def encode(moments: Moments) -> bytes:
    """Return the fields as bytes.

    Raises
    ------
    TypeError
        If a field is neither float64 nor int64, which would not come back as it was.
    """
    parts = []
    for field in fields(moments):
        array = np.asarray(getattr(moments, field.name))
        kind = {np.dtype(np.float64): b"f", np.dtype(np.int64): b"i"}.get(array.dtype)
        if kind is None:
            raise TypeError(f"moments hold float64 and int64, got {array.dtype} in {field.name!r}")
        parts.append(struct.pack(f"<cB{array.ndim}q", kind, array.ndim, *array.shape))
        parts.append(np.ascontiguousarray(array, _TYPES[kind]).tobytes())
    return b"".join(parts)


def decode(data: bytes) -> Moments:
    """Return what `encode` was given.

    Raises
    ------
    ValueError
        If the bytes are not those of one `Moments`, whole, with one number of positions throughout.
    """
    values: dict[str, Any] = {}
    place = 0
    try:
        for field in fields(Moments):
            kind, dimensions = struct.unpack_from("<cB", data, place)
            shape = struct.unpack_from(f"<{dimensions}q", data, place + 2)
            place += 2 + 8 * dimensions
            dtype = _TYPES[kind]
            array = np.frombuffer(data, dtype, prod(shape), place).reshape(shape)
            place += array.nbytes
            values[field.name] = array.astype(dtype.newbyteorder("=")) if dimensions else array.item()
    except (struct.error, KeyError, ValueError) as error:
        raise ValueError(f"{len(data)} bytes are not those of moments ({error})") from None
    if place != len(data):
        raise ValueError(f"{len(data)} bytes are not those of moments: {len(data) - place} are left over")
    if len({len(value) for value in values.values() if isinstance(value, np.ndarray)}) > 1:
        raise ValueError("moments of different numbers of positions")
    return Moments(**values)


Key = tuple[object, ...]


def seal(key: Key, moments: Moments) -> tuple[bytes, bytes]:
    """Return moments packed, and a checksum of them and the key that they are stored under."""
    raw = encode(moments)
    return zlib.compress(raw, 1), _checksum(key, raw)


def unseal(key: Key, packed: bytes, checksum: bytes) -> Moments:
    """Return what `seal` was given.

    Raises
    ------
    ValueError
        If anything is not as it was: packed bytes, key or checksum.
    """
    try:
        raw = zlib.decompress(packed)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if _checksum(key, raw) != checksum:
        raise ValueError("its checksum is another one")
    return decode(raw)


def _checksum(key: Key, raw: bytes) -> bytes:
    return hashlib.sha256(json.dumps(key).encode() + b"\0" + raw).digest()
