"""Layer-sequential unit variance (Mishkin & Matas 2016, algorithm 1): weights are rescaled by what a batch shows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulations.layers.dense import Dense, Layer, Parameters
from simulations.layers.network import Network, Residual, Sequential
from simulations.numbers.arrays import Array

Divisor = Callable[[Array], Array]


def deviation(y: Array) -> Array:
    """Return the standard deviation over batch and features, one a draw: (draws, 1, 1)."""
    size: Array = y.std(axis=(1, 2), keepdims=True)
    return size


def lsuv(
    network: Network,
    parameters: Parameters,
    x: Array,
    *,
    tolerance: float = 0.1,
    iterations: int = 10,
    divisor: Divisor = deviation,
) -> Parameters:
    """Make drawn weights orthonormal, then divide them, layer by layer, by the standard deviation of their outputs.

    Parameters
    ----------
    parameters : dict of arrays
        As drawn; left alone. Biases and scalars are kept.
    x : array (draws, batch, features)
        The batch that is passed through.
    tolerance, iterations : float, int
        A layer is divided again until its output variance is within `tolerance` of 1, but not more often than this.
        Without biases once is enough.
    divisor : function
        What weights are divided by, given the outputs (draws, batch, features).

    Raises
    ------
    ValueError
        If an output does not vary over the batch, there is no batch, or a layer is of a kind not known here.
    """
    if x.ndim != 3 or 0 in x.shape:
        raise ValueError(f"expected x of shape (draws, batch, features) with at least one of each, got {x.shape}")
    changed = dict(parameters)

    def scale(dense: Dense, x: Array) -> Array:
        changed[dense.weight] = orthonormal(parameters[dense.weight])
        y, _ = dense.forward(changed, x)
        for _ in range(iterations):
            changed[dense.weight] = changed[dense.weight] / divisor(_varying(dense, y))
            y, _ = dense.forward(changed, x)
            if (np.abs(y.var(axis=(1, 2)) - 1) < tolerance).all():
                break
        return y

    def through(layer: Layer, x: Array) -> Array:
        match layer:
            case Dense():
                return scale(layer, x)
            case Residual():
                return through(layer.branch, x) + through(layer.shortcut, x)
            case Sequential():
                for part in layer.layers:
                    x = through(part, x)
                return x
        if any(True for _ in layer.weights()):
            raise ValueError(f"cannot look for weights inside a layer of kind {type(layer).__name__}")
        return layer.forward(changed, x)[0]

    through(network, x)
    return changed


def _varying(dense: Dense, y: Array) -> Array:
    spread = y.var(axis=(1, 2))
    if not (np.isfinite(spread) & (spread > 0)).all():
        raise ValueError(f"the output of layer {dense.name!r} does not vary over the batch in some draw")
    return y


def orthonormal(weights: Array) -> Array:
    """Return matrices of the same shape (draws, fan_in, fan_out) with orthonormal columns, or rows if there are fewer.

    Of Gaussian matrices these are Haar-distributed: the Q of a QR decomposition whose R has a positive diagonal.
    """
    if weights.shape[1] < weights.shape[2]:
        return orthonormal(weights.mT).mT
    q, r = np.linalg.qr(weights)
    signs = np.where(np.diagonal(r, axis1=1, axis2=2) < 0, -1.0, 1.0)
    found: Array = q * signs[:, None, :]
    return found
