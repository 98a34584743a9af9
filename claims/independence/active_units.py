"""Active units alone against weights that are drawn: the same law of all that names no unit."""

from __future__ import annotations

import numpy as np

from claims.independence.batch_statistics import LOUD, Statistics, unit_rows
from claims.independence.norm_chains import log
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, draws_for_same_law, same_law
from simulations import Network, Sequential, gaussian, mlp, residual_mlp
from simulations.engines.active import ActiveUnits
from simulations.engines.active_states import State
from simulations.layers.losses import softmax_loss
from simulations.numbers.arrays import Array
from simulations.numbers.ragged import Counts
from simulations.weights.kinds import arrays
from theory.independence import active_units, conditioning

WIDTHS, CLASSES = (4, 5, 3, 4), 2
NETWORKS = {
    "loss": mlp(WIDTHS, classes=CLASSES, readout=LOUD),
    "ReLU": mlp(WIDTHS),
    "residual": residual_mlp(WIDTHS[0], 2, hidden=5, classes=CLASSES, readout=LOUD),
}
"""Two end in logits and pass the gradient of a loss back, one ends in a ReLU and passes normals back."""


class _SixInTen(ActiveUnits):
    def _count(self, width: int, draws: int) -> Counts:
        return self._rng.binomial(width, 0.6, draws)


class _OneSign(ActiveUnits):
    def _count(self, width: int, draws: int) -> Counts:
        return width * self._rng.integers(0, 2, draws)


class _Positive(ActiveUnits):
    def _fresh(self, x: State) -> Array:
        return np.abs(super()._fresh(x))


class _Unprojected(ActiveUnits):
    def _known(self, inner: Array, along: Array, square_norms: Array) -> Array:
        return super()._known(inner, np.zeros_like(along), square_norms)


Place = tuple[Array, Array, Array, Array]
"""State, cotangent on active units (draws, width), its squared norm on all, half the squared distance of twins."""


def _told(places: list[Place]) -> Statistics:
    """Tell what names no unit, of the first of each pair of twins, and what joins states, cotangents and twins."""
    found: Statistics = {}
    for place, (states, cotangents, squares, apart) in enumerate(places):
        x, g, square = states[::2], cotangents[::2], log(squares[::2])
        norm = log(np.vecdot(x, x))
        found |= {
            f"gradient {place}": square,
            f"gradient on active units {place}": log(np.vecdot(g, g)),
            f"largest gradient {place}": np.abs(g).max(axis=1),
            f"sum of gradients {place}": g.sum(axis=1),
            f"state and gradient {place}": np.vecdot(x, g),
            f"squared state and gradient {place}": np.vecdot(x * x, g),
        }
        if place:
            found |= {
                f"norm {place}": norm,
                f"active {place}": np.count_nonzero(x, axis=1),
                f"largest {place}": x.max(axis=1),
                f"sum {place}": x.sum(axis=1),
                f"norm times gradient {place}": norm + square,
                f"twins {place}": apart,
                f"twins {place} over norm": log(apart) - norm,
            }
    return {name: np.asarray(column, np.float64).round(6) for name, column in found.items()}


def _drawn(network: Network, x: Array, targets: Array | None, rng: np.random.Generator) -> list[Place]:
    """Run on drawn weights; behind a ReLU the cotangent is told where the state is not zero."""
    run = network.run(network.draw(rng, len(x), arrays), x[:, None])
    start = gaussian(rng, run.output.shape)
    if targets is not None:
        start = softmax_loss(run.output, targets[:, None]).logit_gradient
    behind = [False, *(isinstance(block, Sequential) for block in network.layers)]
    places = []
    for relu, state, cotangent in zip(behind, run.states, run.backward(start), strict=True):
        y, g = state[:, 0], cotangent[:, 0]
        apart = y[::2] - y[1::2]
        places.append((y, g * (y > 0) if relu else g, np.vecdot(g, g), np.vecdot(apart, apart) / 2))
    return places


def _active(
    network: Network, x: Array, targets: Array | None, rng: np.random.Generator, units: type[ActiveUnits]
) -> list[Place]:
    run = units(network, x, rng)
    states, apart = run.states, [run.half_square_distance(state) for state in run.states]
    if targets is None:
        start = run.start(gaussian)
    else:
        start = run.start_with(softmax_loss(states[-1].array, targets).logit_gradient)
    cotangents = [start, *run.back(start)][::-1]
    return [
        (state.array, g.array, g.square_norms, distance)
        for state, g, distance in zip(states, cotangents, apart, strict=True)
    ]


def _samples(run: Run, units: type[ActiveUnits] | None, pairs: int) -> Statistics:
    """The statistics of all networks at real inputs, on drawn weights or on active units."""
    found: Statistics = {}
    rows = unit_rows(run, WIDTHS[0])
    for name, network in NETWORKS.items():
        rng = run.rng("drawn" if units is None else "active", name)
        x = rows[rng.integers(len(rows), size=pairs)].repeat(2, axis=0)
        targets = np.eye(CLASSES)[np.zeros(2 * pairs, np.int64)] if name != "ReLU" else None
        places = _drawn(network, x, targets, rng) if units is None else _active(network, x, targets, rng, units)
        found |= {f"{name}, {key}": column for key, column in _told(places).items()}
    return found


@claim(
    "U4",
    paper="Fathom's engines",
    where="simulations/engines/active.py, where it is derived",
    states=r"K_l\sim\mathrm{Bin}(n_l,\tfrac12)\,[x_{l-1}\ne0],\quad "
    r"x_l=\sigma_l\|x_{l-1}\|\,(|z_1|,\ldots,|z_{K_l}|),\quad "
    r"g_{l-1}=\frac{\rho-b\langle x,r\rangle}{\|x\|^2}\,x+b\,r,\quad b=\sigma_l\|D_lg_l\|,\quad"
    r"\rho=\langle x_l,g_l\rangle",
    derivation=[
        active_units.one_unit,
        active_units.layer,
        active_units.swapped,
        active_units.left_out,
        conditioning.orthogonal,
        conditioning.open_square,
    ],
    mutants=[
        mutant("K from Bin(n, 0.6)", "More units active than not: the coin of a sign is fair.", units=_SixInTen),
        mutant(
            "one sign for a layer",
            "All units of a layer active or none, as if they shared a sign: signs are independent, too.",
            units=_OneSign,
        ),
        mutant(
            "signs shared with the way back",
            "Half-normals on the way back as well, as if the gradient on an active unit had the sign of its state.",
            units=_Positive,
        ),
        mutant(
            "the forward part not projected off",
            "What the forward pass knows of a row is added to fresh normals that have a part along the state already.",
            units=_Unprojected,
        ),
    ],
)
def active_units_equal_drawn(run: Run, *, units: type[ActiveUnits] = ActiveUnits) -> Finding:
    """Active units alone have the law of drawn weights in all that names no unit.

    Two plain nets of widths 4, 5, 3, 4 and a residual one of width 4 with five hidden units, at single real inputs
    scaled to length 1: the gradient of a loss passes back from two logits, or normals from the last ReLU layer. Of
    states, and of gradients on active units: norms, sums, largest entries, inner products, products of norms; counts of
    active units; distances of twins, which share the input. Exact at any width for Gaussian weights without biases; the
    error is the distance between two cdfs.
    """
    error = run.error(0.07, at_most=0.07)
    draws = draws_for_same_law(len(run.once(_samples, None, 1)), error=error, alpha=run.alpha)
    return same_law(*(run.once(_samples, kind, draws) for kind in (None, units)), error=error, alpha=run.alpha)
