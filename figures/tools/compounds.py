"""Singular values of long products, all of them as accurate as the largest: by the products' compound matrices."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from simulations import Initialiser
from simulations.numbers.arrays import Array


def _minors(matrices: Array, order: int) -> Array:
    """Return the compound matrices, of all minors of an order: those of a product are the product of theirs."""
    some = [list(one) for one in combinations(range(matrices.shape[-1]), order)]
    rows = [[np.linalg.det(matrices[:, rows][:, :, columns]) for columns in some] for rows in some]
    return np.moveaxis(np.array(rows), 2, 0)


def log_singular_values(
    init: Initialiser, width: int, depths: list[int], draws: int, rng: np.random.Generator
) -> Array:
    """Return the logarithms of the singular values of products, (depths, draws, width), the largest first.

    The largest singular value of the i-th compound is the product of the first i, so all of them are as accurate as
    largest ones are, which those of the product itself, of condition e^300, would not be.
    """
    orders, found = range(1, width + 1), []
    products = [np.eye(len(list(combinations(range(width), order))))[None] for order in orders]
    logs = np.zeros((width, draws))
    for depth in range(1, max(depths) + 1):
        matrices = init.draw(rng, draws, width, width)
        for order in orders:
            longer = products[order - 1] @ _minors(matrices, order)
            size = np.linalg.norm(longer, axis=(1, 2))
            logs[order - 1] += np.log(size)
            products[order - 1] = longer / size[:, None, None]
        if depth in depths:
            tops = [np.linalg.svd(one, compute_uv=False)[:, 0] for one in products]
            found.append(np.diff((logs + np.log(tops)).T, axis=1, prepend=0))
    return np.array(found)
