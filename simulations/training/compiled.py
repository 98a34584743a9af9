"""A network compiled to two lists of NumPy calls, one forwards and one backwards, on arrays that are allocated once.

At width 32 and batch 64 a training step spends more time on Python and on fresh memory than on arithmetic. So the
layers are asked once, when the network is compiled, which calls they need (``traces.py``). A step then makes these
calls and does nothing else. The arithmetic is that of ``forward`` and ``pullback``; any layer not known to the compiler
is run by them.
"""

from __future__ import annotations

import numpy as np

from simulations.layers.dense import Parameters
from simulations.layers.network import Network
from simulations.numbers.arrays import Array
from simulations.training.buffers import Buffer
from simulations.training.tape import Tape
from simulations.training.traces import trace


class Compiled:
    """What `network` computes for batches of one shape, and the gradients of its parameters.

    Parameters
    ----------
    parameters, gradients : dict of arrays
        Of one draw, all of one precision: what is read, and where gradients are written. Both stay where they are.
    x : array (1, batch, ...)
        Inputs to trace the network with; only their shape and precision are kept.

    Raises
    ------
    ValueError
        If the inputs do not fit the network, or two layers have a parameter of the same name.
    """

    def __init__(self, network: Network, parameters: Parameters, gradients: Parameters, x: Array) -> None:
        self._tape = Tape(parameters, gradients)
        self._input = Buffer(np.array(x, order="C"), kept=True)
        self._output, backward = trace(self._tape, network, self._input)
        self._cotangent = self._tape.scratch.like(self._output)
        backward(self._cotangent)

    def forward(self, x: Array) -> Array:
        """Return the output at `x` (batch, ...); the next call writes over it."""
        self._input.array[0] = x
        for call in self._tape.forward:
            call()
        return np.asarray(self._output.array[0])

    def backward(self, cotangent: Array) -> None:
        """Write the gradients of all parameters for this cotangent (batch, ...) of the last output."""
        self._cotangent.array[0] = cotangent
        for call in self._tape.backward:
            call()
