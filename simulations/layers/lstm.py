"""A cell with gates (LSTM: Hochreiter & Schmidhuber 1997; with a forget gate: Gers et al. 2000), step by step.

    i, f, o = sigmoid(x_t U + h_(t-1) V + b)      g = tanh(x_t U + h_(t-1) V + b)
    c_t = f c_(t-1) + i g                         h_t = o tanh(c_t)

Weights are (draws, features, 4 units), (draws, units, 4 units) and (draws, 1, 4 units), columns in the order i, f, g,
o of PyTorch; sequences are (steps, draws, batch, features).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulations.numbers.arrays import Array
from simulations.weights.initialisers import Initialiser


@dataclass(frozen=True)
class Unrolled:
    """A cell run over a sequence: what its pullback needs, (steps, draws, batch, units) each but for the weights."""

    hidden_weights: Array
    gates: tuple[Array, Array, Array, Array]
    """i, f, g and o of every step."""
    cells: Array
    """c_0 to c_T, one more than there are steps."""
    outputs: Array
    """h_0 to h_T."""

    def pullback(self, dc: Array, *, gate_paths: bool = True) -> tuple[Array, Array]:
        """Pull a cotangent (draws, batch, units) at the last cell c_T back to c_0 and h_0.

        Parameters
        ----------
        gate_paths : bool
            False cuts the paths from an output h into the gates (and g) of the next step.
        """
        dh = np.zeros_like(dc)
        ends = self.cells[-2::-1], self.cells[:0:-1]
        for i, f, g, o, before, after in zip(*(gate[::-1] for gate in self.gates), *ends, strict=True):
            squashed = np.tanh(after)
            dc = dc + dh * o * (1 - squashed * squashed)
            output = dh * squashed * o * (1 - o)
            slopes = (dc * g * i * (1 - i), dc * before * f * (1 - f), dc * i * (1 - g * g), output)
            if gate_paths:
                dh = np.concatenate(slopes, axis=-1) @ self.hidden_weights.swapaxes(1, 2)
            dc = dc * f
        return dc, dh


@dataclass(frozen=True)
class Cell:
    """The weights of an LSTM cell; without `forgets` it keeps all of its cell, like that of 1997."""

    input_weights: Array
    hidden_weights: Array
    bias: Array
    forgets: bool = True

    def run(self, x: Array, cell: Array, output: Array, *, held: Array | None = None) -> Unrolled:
        """Read a sequence x from the states c_0 and h_0 (draws, batch, units).

        Parameters
        ----------
        held : array (steps + 1, draws, batch, units), optional
            The outputs of another run, which the gates see in place of this one's.
        """
        cells, outputs, steps = [cell], [output], []
        for step, row in enumerate(x):
            seen = outputs[-1] if held is None else held[step]
            z = row @ self.input_weights + seen @ self.hidden_weights + self.bias
            i, f, new, o = np.split(z, 4, axis=-1)
            i, f, o = ((1 + np.tanh(gate / 2)) / 2 for gate in (i, f, o))
            f, g = f if self.forgets else np.ones_like(f), np.tanh(new)
            cells.append(f * cells[-1] + i * g)
            outputs.append(o * np.tanh(cells[-1]))
            steps.append((i, f, g, o))
        i, f, g, o = (np.stack(gate) for gate in zip(*steps, strict=True))
        return Unrolled(self.hidden_weights, (i, f, g, o), np.stack(cells), np.stack(outputs))


def draw_cell(
    rng: np.random.Generator,
    draws: int,
    features: int,
    units: int,
    *,
    init: Initialiser,
    bias_deviation: float = 0.0,
    forget_bias: float | None = None,
    forgets: bool = True,
) -> Cell:
    """Draw cells with independent weights and N(0, bias_deviation^2) biases.

    Parameters
    ----------
    forget_bias : float, optional
        Gives the forget gate this bias, and no weights.
    """
    incoming, recurrent = (init.draw(rng, draws, fan_in, 4 * units) for fan_in in (features, units))
    bias = bias_deviation * rng.standard_normal((draws, 1, 4 * units))
    if forget_bias is not None:
        forget = np.s_[..., units : 2 * units]
        incoming[forget] = recurrent[forget] = 0
        bias[forget] = forget_bias
    return Cell(incoming, recurrent, bias, forgets)
