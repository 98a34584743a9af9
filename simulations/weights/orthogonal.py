"""Orthogonal weights: Haar-distributed matrices as a law for `Initialiser`, scaled so that entries have variance 1."""

from __future__ import annotations

import math

import numpy as np

from simulations.numbers.arrays import Array


def haar(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw sqrt(n) times a uniformly distributed n x n orthogonal matrix; shape (draws, n, n).

    The Q of a Gaussian matrix's QR decomposition, made unique by a positive diagonal of R: without that its law
    depends on the algorithm (Mezzadri 2007). Its entries are uncorrelated but not independent.

    Raises
    ------
    ValueError
        If the matrices are not square.
    """
    if len(shape) != 3 or shape[-1] != shape[-2]:
        raise ValueError(f"expected a shape (draws, n, n), got {shape}")
    q, r = np.linalg.qr(rng.standard_normal(shape))
    signs = np.where(np.diagonal(r, axis1=1, axis2=2) < 0, -1.0, 1.0)
    weights: Array = q * signs[:, None, :] * math.sqrt(shape[-1])
    return weights
