"""Orthonormal rows, for stacks of a few long rows that may be zero, equal or dependent, or nearly so.

Where the rows are well conditioned, a Cholesky factor of their inner products does, which costs one product of matrices
(`cholesky`). Else rows of unit length are freed of those before them by Gram and Schmidt's method, twice: then they are
orthogonal to rounding, however little is left (`orthonormal_rows`). A row that adds nothing becomes zero: it asks
nothing, and stacks keep their shape.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import gram

NOISE = 4
"""A row of unit length within this many eps of the span of others counts as in it. Rounding leaves up to 2 eps of a row
that is in the span of 64; what it leaves beyond NOISE is taken for new, which costs memory and stays exact."""
AMPLIFIED = 200
"""How much a Cholesky factor may amplify rounding errors, a row."""


class NotFiniteError(ValueError):
    """A state or cotangent is NaN or infinite, which undrawn weights cannot be multiplied by."""

    seen: Sequence[Array] = ()
    """The states up to there, or the cotangents of the way back, if a network was run."""


def orthonormal_rows(x: Array, basis: Array) -> Array:
    """Return rows that span, together with those of `basis`, the rows of `x`.

    Parameters
    ----------
    x : array (draws, batch, features)
    basis : array (draws, rank, features)
        Rows orthonormal or zero.

    Returns
    -------
    array (draws, batch, features)
        Rows orthonormal to each other and to `basis`, or zero.
    """
    rows = unit_rows(x)
    noise = NOISE * np.finfo(rows.dtype).eps
    known = np.concatenate([basis, np.zeros_like(rows)], axis=1)
    for position in range(x.shape[1]):
        before, one = known[:, : basis.shape[1] + position], slice(position, position + 1)
        row = _free(_free(rows[:, one], before), before)
        length = np.sqrt(np.vecdot(row, row))[..., None]
        known[:, before.shape[1] : before.shape[1] + 1] = np.where(
            length > noise, row / np.where(length > noise, length, 1), 0
        )
    return known[:, basis.shape[1] :]


def unit_rows(x: Array) -> Array:
    """Divide every row by its length; rows of zeros stay."""
    with np.errstate(over="ignore"):
        squares = np.vecdot(x, x)
    limits = np.finfo(x.dtype)
    ordinary = bool(((squares > limits.tiny / limits.eps) & (squares < limits.max)).all())
    if not ordinary:  # zero, huge or tiny rows, whose squares leave the range
        largest = np.abs(x).max(axis=-1, initial=0)
        if not np.isfinite(largest).all():
            raise NotFiniteError("asked for a product with values that are NaN or infinite; expected finite ones")
        x = np.ldexp(x, -np.frexp(largest)[1][..., None])
        squares = np.vecdot(x, x)
    unit: Array = x / np.sqrt(np.where(squares > 0, squares, 1))[..., None]
    return unit


def _free(rows: Array, basis: Array) -> Array:
    return rows - (rows @ basis.mT) @ basis


def cholesky(x: Array) -> tuple[Array, Array] | None:
    """Return L and its inverse with ``x x^T = L L^T``, so that ``inverse @ x`` is orthonormal.

    Only if each row, of unit length, is further than AMPLIFIED^(-1/2) from the span of all others, as rounding errors
    are divided by the square of that distance; else None. Of a single row, L is the length; a single zero row has the
    inverse 0.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        products = gram(x)
    lengths = np.sqrt(np.diagonal(products, axis1=1, axis2=2))
    limits = np.finfo(x.dtype)
    if not np.isfinite(lengths).all():
        return None
    short = lengths <= np.sqrt(limits.tiny) / limits.eps
    if short.any() and x[short].any():  # not zero, but its square may be
        return None
    inverse_lengths = 1 / np.where(lengths > 0, lengths, np.inf)
    if x.shape[1] == 1:
        return lengths[..., None], inverse_lengths[..., None]
    try:
        factor = np.linalg.cholesky(products * inverse_lengths[:, :, None] * inverse_lengths[:, None, :])
    except np.linalg.LinAlgError:
        return None
    inverse = np.linalg.inv(factor)
    if not np.square(inverse).sum(axis=1).max(initial=0) < AMPLIFIED:  # the diagonal of the inverse of the products
        return None
    return lengths[:, :, None] * factor, inverse * inverse_lengths[:, None, :]
