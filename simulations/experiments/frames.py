"""Products of random matrices, and what they do to an orthonormal frame that is carried along and kept orthonormal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulations.numbers.arrays import Array
from simulations.weights.initialisers import Initialiser


@dataclass(frozen=True)
class Carried:
    """A product of matrices, its factors, and the lengths that each gave to the frame's vectors."""

    product: Array
    """(draws, width, width), the last factor on the left."""
    factors: Array
    """(draws, matrices, width, width)."""
    lengths: Array
    """(draws, matrices, width): of each vector of the frame after a factor, off those before it in the frame."""


def multiplied(factors: Array) -> Array:
    """Return the products of factors (draws, matrices, width, width), the last one on the left."""
    product = factors[:, 0]
    for matrix in np.moveaxis(factors[:, 1:], 1, 0):
        product = matrix @ product
    return product


def carried(init: Initialiser, width: int, matrices: int, *, draws: int, rng: np.random.Generator) -> Carried:
    """Multiply `matrices` square matrices, and carry the frame of the axes through them by QR decompositions.

    Raises
    ------
    ValueError
        If there are no draws or no matrices.
    """
    if draws < 1 or matrices < 1:
        raise ValueError(f"expected at least one draw and one matrix, got draws={draws} and matrices={matrices}")
    factors = init.draw(rng, draws * matrices, width, width).reshape(draws, matrices, width, width)
    frame, lengths = np.eye(width), np.empty((draws, matrices, width))
    for step in range(matrices):
        frame, triangle = np.linalg.qr(factors[:, step] @ frame)
        lengths[:, step] = np.abs(np.diagonal(triangle, axis1=1, axis2=2))  # the frame's signs are of no consequence
    return Carried(multiplied(factors), factors, lengths)
