"""One residual block with a cotangent of known parts, against drawn weights."""

import numpy as np
import pytest

from evidence import same_law
from simulations import stream
from simulations.engines.radial_chain import Branch, Step
from simulations.engines.radial_steps import Cotangent, Squares, pass_residual, start_state
from simulations.numbers.arrays import Array

DRAWS = 10_000
ALPHA = 1e-6
"""Two simulators of one law are told apart this often, a test."""
ERROR = 0.07
"""A distance between cdfs that is seen with probability 0.999."""
HIDDEN, FIRST, LAST = 3, 0.3, 1.0
"""Width and deviations of the branch: the shortcut is turned by much and joined by little."""
Norms = dict[str, Array]


def drawn(width: int, along: float, across: float, rng: np.random.Generator) -> Norms:
    """Draw weights, then a cotangent `along` the output plus `across` in a uniform direction orthogonal to it."""
    x = np.eye(width)[0]
    first = FIRST * rng.standard_normal((DRAWS, width, HIDDEN))
    last = LAST * rng.standard_normal((DRAWS, HIDDEN, width))
    z = x @ first
    y = x + np.einsum("dh,dhn->dn", np.maximum(z, 0), last)
    direction = y / np.linalg.norm(y, axis=1, keepdims=True)
    other = rng.standard_normal(y.shape)
    other -= (other * direction).sum(axis=1, keepdims=True) * direction
    if across:
        other *= across / np.linalg.norm(other, axis=1, keepdims=True)
    g = along * direction + (other if across else 0)
    d = np.einsum("dn,dhn->dh", g, last) * (z > 0)
    return logs((y**2).sum(1), (d**2).sum(1), ((g + np.einsum("dh,dnh->dn", d, first)) ** 2).sum(1))


def chained(width: int, along: float, across: float, rng: np.random.Generator) -> Norms:
    """Pass the norms of the same through a chain."""
    branch = Branch((Step("first", width, HIDDEN, FIRST, relu=True), Step("last", HIDDEN, width, LAST)))
    y, pullback = pass_residual(branch, start_state(width, np.ones(DRAWS)), rng)
    into: dict[str, Squares] = {}
    none = np.zeros(DRAWS)
    g = pullback(Cotangent(none + along, none + across**2, none, np.zeros(DRAWS, dtype=np.int64)), into)
    return logs(
        *(np.ldexp(square, 2 * exponents) for square, exponents in ((y.norm**2, y.exponents), into["first"], g.square))
    )


def logs(output: Array, inside: Array, cotangent: Array) -> Norms:
    """Logarithms, without rounding, and their sums and differences."""
    with np.errstate(divide="ignore"):
        y, d, g = (np.maximum(np.log2(square), -5000) for square in (output, inside, cotangent))
    found = {"y": y, "d": d, "g": g, "y d": y + d, "y g": y + g, "d g": d + g, "y/d": y - d, "y/g": y - g, "d/g": d - g}
    return {name: np.round(column, 8) for name, column in found.items()}


@pytest.mark.parametrize(("along", "across"), [(1, 0), (0, 1), (1, 2)], ids=["along", "across", "both"])
@pytest.mark.parametrize("width", [1, 2, 3, 6])
def test_a_residual_block_passes_every_part_of_a_cotangent_on(width: int, along: float, across: float) -> None:
    across *= width > 1  # there is no other direction in one dimension
    address = f"{width} {along} {across}"
    finding = same_law(
        drawn(width, along, across, stream(0, "drawn block", address)),
        chained(width, along, across, stream(0, "radial block", address)),
        error=ERROR,
        alpha=ALPHA,
    )
    assert finding.verdict == "held", finding
