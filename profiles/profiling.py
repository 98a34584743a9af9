"""A network's norms per depth beside their closed forms, with a verdict at every depth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from profiles.chain import Chain, back, follow, log2_mean, there
from profiles.record import Column, Profile
from profiles.seen import Progress, Seen, look
from profiles.slope import slope
from profiles.step import Step
from profiles.theory_of import steps_of
from profiles.variance import variances
from profiles.verdicts import ALPHA, judged, of_chain, of_twins
from simulations import InputError, Inputs, Network
from simulations.numbers.arrays import Array


def profile(
    network: Network,
    inputs: ArrayLike | Inputs,
    *,
    rng: np.random.Generator,
    draws: int | None = None,
    backward: bool = False,
    claimed: Network | None = None,
    name: str = "",
    shares: int = 1,
    progress: Progress = lambda share: None,
) -> Profile:
    """Measure a network per depth and put its closed forms beside it.

    Parameters
    ----------
    inputs : Inputs or array (samples, features) or (samples, channels, height, width)
        A draw sees one of them, chosen at random.
    draws : int, optional
        By default as many as take about a second.
    backward : bool
        Also pass a normal cotangent back from the output.
    claimed : Network, optional
        The network whose closed forms are asked, if it is another: what this one is said to be. Of the same shape.
    name : str
        A title.
    shares : int
        How many profiles share the probability of a false alarm.

    Raises
    ------
    InputError
        If inputs do not fit or are not finite, `draws` is below 2, or `claimed` has another number of blocks.
    OverflowError
        If a squared norm leaves float64 where it is not known by its logarithm.

    Examples
    --------
    >>> from simulations import digits, residual_mlp, stream
    >>> found = profile(residual_mlp(width=16, blocks=3), digits().narrowed(16), rng=stream(0, "example"))
    >>> found.verdict, [found.at(position) for position in range(4)]
    ('held', ['not judged', 'held', 'held', 'held'])
    >>> growth = found.second_moment.expected - found.second_moment.expected[0]
    >>> print(growth.round(9))  # log2
    [0. 1. 2. 3.]
    """
    rows = _rows(inputs)
    if draws is not None and draws < 2:
        raise InputError(f"expected at least 2 draws, got {draws}")
    if claimed is not None and len(claimed.layers) != len(network.layers):
        raise InputError(
            f"claimed has {len(claimed.layers)} blocks and the network {len(network.layers)}; expected as many"
        )
    steps = steps_of(claimed or network, nonnegative=bool((rows >= 0).all()))
    found = _look(network, rows, rng, draws, backward, progress)
    forward = follow(found.square_norms, there(steps))
    backwards = follow(found.gradients[:, ::-1], back(steps)) if backward else None
    tests = [*of_chain(forward), *(of_chain(backwards, backward=True) if backwards else ())]
    if found.states:
        tests += of_twins(found.states, steps)
    first, last = _hidden(network)
    states = found.states
    return Profile(
        name=name,
        steps=tuple(steps),
        widths=found.widths,
        draws=len(found.square_norms),
        state_draws=len(states.means) if states else 0,
        engine=found.engine,
        second_moment=_column(forward, found.widths),
        variance=_variance(forward, steps, found),
        gradient=_column(backwards, found.widths, backward=True) if backwards else None,
        means=states.means.mean(axis=0) if states else None,
        active=states.active.mean(axis=0) if states else None,
        typical=_typical(found.square_norms) - np.log2(found.widths),
        forward_slope=slope(found.square_norms, first, last, twins=found.twins, steps=steps),
        gradient_slope=(
            slope(found.gradients, first, last, twins=found.twins, steps=steps, backward=True) if backward else None
        ),
        rarity=forward.level_spreads[-1],
        findings=tuple(judged(tests, ALPHA / shares)),
    )


def _look(
    network: Network, rows: Array, rng: np.random.Generator, draws: int | None, backward: bool, progress: Progress
) -> Seen:
    """Measure; what does not fit is an error of the inputs."""
    try:
        return look(network, rows, rng=rng, draws=draws, backward=backward, progress=progress)
    except ValueError as error:
        raise InputError(str(error)) from None


def _rows(inputs: ArrayLike | Inputs) -> Array:
    rows = np.asarray(inputs.x if isinstance(inputs, Inputs) else inputs)
    if rows.dtype.kind not in "fiub" or rows.ndim < 2 or not rows.size:
        raise InputError(
            f"expected numbers (samples, features) or (samples, channels, height, width), got an array of shape "
            f"{rows.shape} and type {rows.dtype}"
        )
    rows = rows.astype(np.float64)
    if not np.isfinite(rows).all():
        raise InputError(
            f"inputs have {int((~np.isfinite(rows)).sum())} values that are NaN or infinite; leave them out"
        )
    if not (kept := rows.reshape(len(rows), -1).any(axis=1)).any():
        raise InputError("inputs are zero in every row; expected at least one row that is not")
    return rows[kept]


def _column(chain: Chain, widths: Sequence[int], *, backward: bool = False) -> Column:
    turn = slice(None, None, -1) if backward else slice(None)
    expected, measured = log2_mean(chain.levels), log2_mean(chain.logs)
    known = np.array([reading != "none" for reading in chain.readings])
    known[0] = True
    sizes = np.log2(widths)
    return Column(np.where(known, expected, np.nan)[turn] - sizes, measured[turn] - sizes, tuple(chain.readings[turn]))


def _variance(forward: Chain, steps: Sequence[Step], found: Seen) -> Column | None:
    if found.states is None:
        return None
    expected, readings = variances(forward, steps)
    return Column(expected - np.log2(found.widths), log2_mean(found.states.distances) - np.log2(found.widths), readings)


def _typical(logs: Array) -> Array:
    alive = logs[np.isfinite(logs).all(axis=1)]
    return alive.mean(axis=0) if len(alive) else np.full(logs.shape[1], -np.inf)


def _hidden(network: Network) -> tuple[int, int]:
    """Return the positions between a first layer and a readout, whose blocks are alike."""
    names = [[dense.name for dense in block.weights()] for block in network.layers]
    first = int(bool(names) and names[0][:1] == ["stem"])
    last = len(names) - int(bool(names) and names[-1] == ["readout"])
    return first, last
