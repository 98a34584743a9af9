"""Saying where a network leaves the range of its numbers, and what to do about it.

Nothing is looked for while a network runs: the squared norms that are recorded anyway show it, as whatever follows an
overflow is infinite or NaN.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from simulations.layers.network import Network
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import square_norm
from simulations.numbers.orthonormal import NotFiniteError


def refuse_overflow(
    network: Network, square_norms: Sequence[Array], dtype: np.dtype, *, backward: bool = False
) -> None:
    """Raise if a squared norm is not finite.

    Parameters
    ----------
    square_norms : sequence of arrays (draws,)
        Of the states from the input on, or of the cotangents from the output on.
    backward : bool
        Whether they are of cotangents.

    Raises
    ------
    OverflowError
        The message names the first block after which one is not finite, and its layers.
    """
    finite = _finite(square_norms)
    if finite < len(square_norms):
        raise _overflow(network, _place(network, finite, backward), dtype)


def refuse_overflow_of(network: Network, named: Mapping[str, Array], dtype: np.dtype) -> None:
    """Raise OverflowError if something in `named` is not finite; the message has its name."""
    for name, values in named.items():
        if not np.isfinite(values).all():
            raise _overflow(network, f"in {name}", dtype)


def refuse_underflow(
    network: Network, lost: NDArray[np.bool_], position: int, dtype: np.dtype, *, backward: bool = False
) -> None:
    """Raise if the squared norm of a draw is lost though its vector is not zero.

    Parameters
    ----------
    lost : array of bool (draws,)
    position : int
        How many blocks are passed: from the input on, or from the output on if `backward`.

    Raises
    ------
    OverflowError
        The message names the block and its layers.
    """
    if lost.any():
        precision = "dtype=np.float64, " if dtype == np.float32 else ""
        raise OverflowError(
            f"squared norms underflow {dtype} {_place(network, position, backward)}, and active units alone go by "
            f"them; take engine='undrawn' or 'drawn', {precision}fewer layers or larger weights"
        )


@contextmanager
def naming_blocks(network: Network, dtype: np.dtype, *, backward: bool = False) -> Iterator[None]:
    """Name the block where undrawn weights met a number that is not finite, while `network` runs inside."""
    try:
        yield
    except NotFiniteError as error:
        finite = _finite([square_norm(one) for one in error.seen])
        raise _overflow(network, _place(network, finite, backward), dtype) from None


def _finite(square_norms: Sequence[Array]) -> int:
    """Return how many of them, from the first on, are finite."""
    bad = (position for position, norms in enumerate(square_norms) if not np.isfinite(norms).all())
    return next(bad, len(square_norms))


def _place(network: Network, position: int, backward: bool) -> str:
    depth = len(network.layers)
    if position == 0:
        return "at the output's cotangent" if backward else "at the input"
    number = depth - position + 1 if backward else position
    names = [dense.name for dense in network.layers[number - 1].weights()]
    ends = " to ".join(repr(name) for name in dict.fromkeys(names[:1] + names[-1:]))
    way = "on the way back through" if backward else "in"
    return f"{way} block {number} of {depth}" + (f" ({ends})" if ends else "")


def _overflow(network: Network, place: str, dtype: np.dtype) -> OverflowError:
    precision = "dtype=np.float64, " if dtype == np.float32 else ""
    message = f"squared norms overflow {dtype} {place}; use {precision}fewer layers or smaller weights"
    if network.tail_degree(0) == 1:
        message += ", or deep_run of simulations.deep, which records logarithms at any depth"
    return OverflowError(message)
