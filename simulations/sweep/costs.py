"""What a draw costs, from counts of operations alone: how blocks are cut must not depend on a clock or a machine.

The rates are measured ones (one thread with AVX-512), and rough: they only decide how long a
block takes. Changing them moves the blocks, and so the numbers: raise ``STREAM_VERSION`` then.
"""

from __future__ import annotations

from functools import lru_cache

from simulations.sweep.cell import Cell
from simulations.sweep.networks import layer_widths
from simulations.sweep.quantities import SIMULATIONS, radial_enough, stays_undrawn
from simulations.weights.initialisers import Law, gaussian, rademacher, uniform

RADIAL_STEP, LABEL = 50e-9, 0.5e-6
"""Seconds for a layer of a radial chain, forwards, and for a loss."""
NUMBER = 10e-9
"""Seconds for a recorded number: its logarithm, and its share in moments."""
NORMAL = 6.5e-9
"""Seconds for a normal of an undrawn product, and what is done with it."""
ROW, SHARED_ROW = 0.12e-6, 0.3e-6
"""Seconds for an input in an undrawn layer, however narrow: alone, and in a batch."""
ENTRY = {"theorem_1": 9e-9, "theorem_2": 50e-9, "steps": 11e-9}
"""Seconds for an entry of a matrix, where gradients or bounds on roundings are multiplied out."""
DRAWN_ENTRY: dict[Law, float] = {gaussian: 4e-9, uniform: 2.9e-9, rademacher: 1.2e-9}
"""Seconds for one that is only drawn, by its law."""
PRODUCT = 0.15e-9
"""Seconds for a multiplication of a matrix product."""
UNIT = {"gelu": 50e-9, "selu": 8e-9}
"""Seconds more for a unit of these activations."""

ENTRIES_AT_ONCE = 1 << 19
"""Weights and states of one layer at a time: about 4 MB."""
ENTRIES_KEPT = 1 << 23
"""Weights and states of all layers, kept for the way back: about 64 MB."""
CHAINS_AT_ONCE = 1 << 14
"""Draws of radial chains at a time."""


@lru_cache(maxsize=256)
def seconds_a_draw(cell: Cell, simulation: str) -> float:
    """Return roughly how many seconds a draw takes."""
    how = SIMULATIONS[simulation]
    weights = list(how.network(cell).weights())
    recorded = NUMBER * len(layer_widths(cell)) * how.passes
    if radial_enough(cell, simulation):
        return RADIAL_STEP * len(weights) * how.passes + recorded + (LABEL if simulation == "losses" else 0)
    rows = how.batch * how.twins
    total = recorded
    for one in weights:
        entries = one.fan_in * one.fan_out
        if stays_undrawn(cell, simulation, one):
            total += rows * (ROW if how.batch == 1 else SHARED_ROW)
            total += NORMAL * rows * one.fan_out * how.passes * (1 + how.batch / 8)
        else:
            total += ENTRY.get(simulation, DRAWN_ENTRY[one.init.law]) * entries * how.twins
            total += PRODUCT * rows * entries * how.passes
        total += UNIT.get(cell.activation, 0.0) * rows * one.fan_out
    return total


@lru_cache(maxsize=256)
def draws_at_once(cell: Cell, simulation: str) -> int:
    """Return how many draws go through the network together: their arrays bound the memory of a block."""
    if radial_enough(cell, simulation):
        return max(1, min(CHAINS_AT_ONCE, ENTRIES_KEPT // len(layer_widths(cell))))
    how, entries = SIMULATIONS[simulation], []
    for one in how.network(cell).weights():
        states = 4 * how.batch * (one.fan_in + one.fan_out)
        weights = 0 if stays_undrawn(cell, simulation, one) else one.fan_in * one.fan_out
        entries.append(how.twins * (states + weights * (3 if how.whole else 1)))
    return max(1, min(ENTRIES_AT_ONCE // max(entries), ENTRIES_KEPT // sum(entries)))
