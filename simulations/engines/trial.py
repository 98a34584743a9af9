"""How many rows each matrix of a network meets: for images a trial pass of one draw tells, which refuses misfits too.

A dense layer of features meets a row an input, a convolution one for each position of its window.
"""

from __future__ import annotations

import numpy as np

from simulations.engines.choice import automatic
from simulations.engines.overflow import naming_blocks
from simulations.engines.request import Request


def rows_of(request: Request) -> dict[str, int]:
    """Return the rows that each matrix meets in one draw, by the name of its weights.

    Raises
    ------
    ValueError
        If a layer can't take the images that reach it, or targets are given where the output is an image.
    """
    network, batch = request.network, request.sampling.batch
    if request.inputs.ndim == 2:
        return {dense.weight: batch for dense in network.weights()}
    x = request.inputs[None, :batch]
    with np.errstate(over="ignore", invalid="ignore"), naming_blocks(network, x.dtype):
        parameters = network.draw(np.random.default_rng(0), 1, automatic(x.dtype))
        output = network.run(parameters, x).output
    if request.targets is not None and output.ndim != 3:
        raise ValueError(
            f"targets are for logits, and this network's output are images of shape {output.shape[2:]} (channels, "
            f"height, width); end it in AveragePool(), Flatten() and Dense"
        )
    return {one.weight: getattr(parameters[one.weight], "rows", batch) for one in network.weights()}
