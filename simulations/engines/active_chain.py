"""Which networks can be simulated on their active units alone: radial chains without a shortcut from a ReLU."""

from __future__ import annotations

from simulations.engines.radial_chain import Branch, Chain, Step, read_chain
from simulations.layers.network import Network
from simulations.weights.initialisers import gaussian, rademacher, truncated_gaussian, uniform

LAWS = gaussian, rademacher, uniform, truncated_gaussian
"""Laws of a cotangent at the output that treat all units alike."""


def read(network: Network) -> Chain:
    """Read `network` as a chain of which active units tell enough.

    Raises
    ------
    ValueError
        If it is of another kind; the message says why.
    """
    chain, behind_relu = read_chain(network), False
    for number, block in enumerate(chain.blocks):
        for element in block:
            if isinstance(element, Branch) and behind_relu:
                raise ValueError(f"block {number} has a shortcut from a ReLU, to whose units it adds one by one")
            behind_relu = isinstance(element, Step) and element.relu
    return chain


def ends_in_relu(chain: Chain) -> bool:
    """Say whether the last thing in a chain is a ReLU, which keeps no unit of the output apart from others."""
    *_, last = (element for block in chain.blocks for element in block)
    return isinstance(last, Step) and last.relu


def why_not_active(network: Network) -> str:
    """Return why `network` cannot be simulated on its active units alone; empty if it can."""
    try:
        read(network)
    except ValueError as reason:
        return str(reason)
    return ""
