"""Radial chains: the norms that one input sees, in O(1) random numbers a layer and draw, at any width and any depth.

A bias-free Gaussian network prefers no direction, so the squared norms of its states, of the cotangents and of the
weights' gradients form a Markov chain of normal, chi-square and binomial numbers. Its joint law over all positions is
exactly that of `simulations.measure.measure` with drawn weights. Cost does not depend on widths, and powers of two are
moved out at every layer, so neither width 10**9 nor depth 100,000 is a problem.

Which networks: ``radial_chain.py``. The chain and its derivation: ``radial_steps.py``. Where the way back starts:
``radial_output.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulations.engines.arguments import check_generator, check_network
from simulations.engines.radial_chain import Branch, Chain, read_chain
from simulations.engines.radial_chain import why_not_radial as why_not_radial
from simulations.engines.radial_output import Law, output_cotangent, pass_to_loss
from simulations.engines.radial_steps import (
    TINY,
    Cotangent,
    Pullback,
    Squares,
    State,
    pass_dense,
    pass_residual,
    start_state,
)
from simulations.engines.radial_twins import Twins, check_twins
from simulations.layers.network import Network
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import gaussian, rademacher

DRAWS_AT_ONCE = 1 << 12
"""Draws that go through a network together: few enough for a core's cache."""
STATES_AT_ONCE = 1 << 24
"""Fewer in deep networks, of which the way back has to remember every layer."""


@dataclass(frozen=True)
class RadialRecord:
    """What was seen, per draw and position (0 is the input, then after every block); arrays (draws, positions)."""

    square_norms: Array
    """Squared norm of the state; log2 of it if `log2`, and so are all squared norms."""
    active: Array
    """Number of units that are not zero; NaN where norms don't tell, at the input."""
    gradient_square_norms: Array
    """Squared norm of the cotangent at the state; no positions if it was not passed back."""
    weight_gradients: dict[str, Array]
    """Squared Frobenius norm of the gradient of each weight by name, (draws,); the last layer comes first."""
    losses: Array
    """Cross-entropy of the output as logits, (draws,); empty without targets."""
    variances: Array
    """Half the squared distance of twins, (draws / 2, positions), never a logarithm; no positions without twins."""
    widths: tuple[int, ...]
    """Features at each position."""
    log2: bool
    """Whether squared norms are recorded as base-2 logarithms (-inf for 0)."""


def radial(
    network: Network,
    square_norms: Array,
    *,
    rng: np.random.Generator,
    backward: bool = False,
    weight_gradients: bool = False,
    cotangent: Law = rademacher,
    targets: Array | None = None,
    log2: bool = False,
    twins: Array | None = None,
) -> RadialRecord:
    """Simulate the norms in `network` at inputs of these squared norms, each with weights of its own.

    Parameters
    ----------
    square_norms : array (draws,)
        Squared norms of the inputs.
    backward : bool
        Also pass a cotangent back from the output.
    weight_gradients : bool
        Also record the squared norms of the weights' gradients (needs `backward`).
    cotangent : function
        `rademacher`, as in `measure`: only for networks that end in a linear layer; or `gaussian`.
    targets : array (draws, classes), optional
        Labels of the inputs: losses are recorded, and the cotangent is that of the loss.
    log2 : bool
        Record base-2 logarithms of all squared norms.
    twins : array (draws / 2,), optional
        Squared distances of the inputs of draws 2k and 2k + 1: variances are recorded.

    Raises
    ------
    TypeError
        If the network or the stream are something else.
    ValueError
        If norms alone can't tell (the message names the layer and the reason), or the arguments don't fit.
    OverflowError
        Without `log2`, if a squared norm is beyond the range of float64; always, if logits are.
    """
    check_network(network)
    check_generator(rng)
    chain = read_chain(network)
    _check(chain, square_norms, targets, cotangent if backward else gaussian)
    if twins is not None:
        check_twins(square_norms, twins)
    if weight_gradients and not backward:
        raise ValueError("weight_gradients needs backward=True")
    at_once = min(DRAWS_AT_ONCE, 2 * max(1, STATES_AT_ONCE // len(chain.blocks) // 2))  # even: twins stay together
    parts = []
    for start in range(0, len(square_norms), at_once):
        rows = slice(start, start + at_once)
        labels = None if targets is None else targets[rows]
        pairs = None if twins is None else Twins(twins[start // 2 : (start + at_once) // 2])
        run = _forward(chain, square_norms[rows], labels, rng, pairs, backward=backward)
        dy = run.loss_cotangent or (output_cotangent(run.states[-1], cotangent, rng) if backward else None)
        parts.append(_record(run, dy if backward else None, weight_gradients, log2))
    return RadialRecord(
        square_norms=np.concatenate([part.square_norms for part in parts]),
        active=np.concatenate([part.active for part in parts]),
        gradient_square_norms=np.concatenate([part.gradient_square_norms for part in parts]),
        weight_gradients={
            name: np.concatenate([part.weight_gradients[name] for part in parts]) for name in parts[0].weight_gradients
        },
        losses=np.concatenate([part.losses for part in parts]),
        variances=np.concatenate([part.variances for part in parts]),
        widths=parts[0].widths,
        log2=log2,
    )


def _check(chain: Chain, square_norms: Array, targets: Array | None, cotangent: Law) -> None:
    if square_norms.ndim != 1 or not len(square_norms) or not ((square_norms >= 0) & np.isfinite(square_norms)).all():
        raise ValueError(
            f"expected finite squared norms of at least one input, (draws,), none negative, got shape "
            f"{square_norms.shape} and {square_norms.ravel()[:3]} ..."
        )
    if targets is not None:
        if chain.last is None:
            raise ValueError("targets need logits: the network has no last linear layer")
        if targets.shape != (len(square_norms), chain.last.fan_out):
            raise ValueError(f"expected targets {(len(square_norms), chain.last.fan_out)}, got {targets.shape}")
    elif cotangent not in (gaussian, rademacher):
        raise ValueError(f"a cotangent must be gaussian or rademacher, got {cotangent}: norms tell of no other")
    elif cotangent is rademacher and chain.last is None:
        raise ValueError(
            "random signs need a last linear layer, or the norms depend on axes: give cotangent=gaussian instead"
        )


@dataclass(frozen=True)
class _Run:
    """The states at all positions, the way back between them, and what the loss says."""

    states: list[State]
    pullbacks: list[list[Pullback]]
    losses: Array
    loss_cotangent: Cotangent | None
    variances: list[Array]


def _forward(
    chain: Chain,
    square_norms: Array,
    targets: Array | None,
    rng: np.random.Generator,
    twins: Twins | None,
    *,
    backward: bool,
) -> _Run:
    """Pass norms through all blocks; remember the way back only if it will be taken."""
    state, readout = start_state(chain.width, square_norms), None if targets is None else chain.last
    states, pullbacks = [state], []
    losses, cotangent = np.empty(0), None
    variances = [] if twins is None else [twins.square / 2]
    for block in chain.blocks:
        back: list[Pullback] = []
        for element in block:
            if isinstance(element, Branch):
                state, pullback = pass_residual(element, state, rng, twins)
            elif targets is None or element is not readout:
                state, pullback = pass_dense(element, state, rng, twins=twins)
            else:
                state, pullback, losses, cotangent = pass_to_loss(element, state, targets, rng, twins)
            if backward:
                back.append(pullback)
        states.append(state)
        pullbacks.append(back)
        if twins:
            variances.append(twins.square / 2)
    return _Run(states, pullbacks, losses, cotangent, variances)


def _record(run: _Run, dy: Cotangent | None, weight_gradients: bool, log2: bool) -> RadialRecord:
    """Pass the cotangent back, if there is one, and write everything down."""
    into: dict[str, Squares] = {}
    cotangents = [] if dy is None else [dy.square]
    if dy is not None:
        for pullbacks in reversed(run.pullbacks):
            for pullback in reversed(pullbacks):
                dy = pullback(dy, into if weight_gradients else None)
            cotangents.append(dy.square)

    def place(position: int) -> str:
        return f"after block {position} of {len(run.states) - 1}" if position else "at the input"

    gradients: dict[str, Array] = {}
    if into:
        names = list(into)
        columns = _numbers(list(into.values()), log2, lambda number: f"of the gradient of {names[number]!r}")
        gradients = dict(zip(names, columns.T, strict=True))
    way_back = np.empty((len(run.states[0].norm), 0))
    if cotangents:
        way_back = _numbers(cotangents[::-1], log2, lambda position: f"of cotangents {place(position)}")
    return RadialRecord(
        square_norms=_numbers([(x.norm**2, x.exponents) for x in run.states], log2, place),
        active=np.stack([x.active for x in run.states]).T,
        gradient_square_norms=way_back,
        weight_gradients=gradients,
        losses=run.losses,
        variances=np.stack(run.variances, axis=1) if run.variances else np.empty((len(run.states[0].norm) // 2, 0)),
        widths=tuple(x.width for x in run.states),
        log2=log2,
    )


def _numbers(squares: list[Squares], log2: bool, place: Callable[[int], str]) -> Array:
    """Write squared norms as an array (draws, positions) of numbers, or of their logarithms; `place` names one."""
    mantissas = np.stack([mantissa for mantissa, _ in squares]).T
    exponents = np.stack([exponent for _, exponent in squares]).T
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        if log2:
            logs: Array = np.log2(mantissas) + 2 * exponents
            return logs
        numbers: Array = np.ldexp(mantissas, 2 * exponents)
    within = (np.isfinite(numbers) & ((numbers >= TINY) | (mantissas == 0))).all(axis=0)
    if not within.all():
        raise OverflowError(
            f"squared norms {place(int(within.argmin()))} leave the range of float64; ask simulations.radial for "
            f"log2=True, which records logarithms at any depth"
        )
    return numbers
