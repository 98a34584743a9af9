"""Which keys a query may see: an array of bool that broadcasts to (draws, batch, heads, queries, keys)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def causal(queries: int, keys: int | None = None) -> Mask:
    """Let each query see the keys up to its own place; with more keys than queries, the queries are the last ones.

    Returns
    -------
    array (queries, keys) of bool

    Raises
    ------
    ValueError
        If there are fewer keys than queries, so that the first would see none.
    """
    keys = queries if keys is None else keys
    if keys < queries:
        raise ValueError(f"a causal mask needs at least as many keys as queries, got {keys} and {queries}")
    return np.tri(queries, keys, keys - queries, dtype=bool)


def padding(tokens: Mask) -> Mask:
    """Let every query see the tokens (draws, batch, keys) that are True: (draws, batch, 1, 1, keys)."""
    return tokens[:, :, None, None]


def checked(mask: Mask, logits: tuple[int, ...]) -> Mask:
    """Return the mask if it fits logits of this shape and every query sees a key.

    Raises
    ------
    ValueError
        If it is not of bool, does not broadcast to the shape, or leaves a query without keys: a softmax over nothing.
    """
    if mask.dtype != bool:
        raise ValueError(f"a mask must be of bool, True for keys that are seen, got {mask.dtype}")
    fits = mask.ndim <= len(logits) and all(
        own in (1, whole) for own, whole in zip(mask.shape[::-1], logits[::-1], strict=False)
    )
    if not fits:
        raise ValueError(f"a mask of shape {mask.shape} does not fit logits of shape {logits}")
    seen = mask.any(axis=-1)
    if not seen.all():
        place = tuple(int(index) for index in np.argwhere(~seen)[0])
        raise ValueError(
            f"the mask hides every key from the query at {place} of {seen.shape}; a softmax needs at least one: let "
            f"queries of padding see some key, and leave their rows out of the loss"
        )
    return mask
