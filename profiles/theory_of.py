"""What theory says of a network, block by block: a small table from the shape of a block to its closed form.

| block | closed form |
|---|---|
| dense layer, then an activation or none | `theory.plain`, `theory.fluctuations`; `theory.layer` where it is smooth |
| identity shortcut around dense layers | `theory.residual`; of width 1 `theory.residual.scalar_branches` |
| a branch whose last layer or multiplier is zero | the identity, `theory.fixup.rules` |
| identity shortcut, then ReLU | `theory.residual.post_addition`: bounds, and the limit of wide layers |
| anything else | none, and the reason |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from profiles import laws, plain, residual
from profiles.step import IDENTITY, ZERO, Step, scaled
from simulations.layers.convolution import Convolution
from simulations.layers.dense import Dense, Layer, LeakyReLU
from simulations.layers.network import Network, Residual, Sequential
from simulations.layers.scalars import ScalarBias, ScalarMultiplier
from simulations.layers.scaling import Scale

NO_CONVOLUTIONS = "no closed form: what a convolution keeps depends on the image and its borders (theory.convolution)"
NO_SHORTCUT = "no closed form: the shortcut is not the identity"
NO_BLOCK = "no closed form: theory has no block of these layers"


@dataclass(frozen=True)
class _Before:
    """What is known of the state before a block."""

    nonnegative: bool
    rectified: bool = False
    """Whether it is a ReLU of normal pre-activations."""


def steps_of(network: Network, *, nonnegative: bool = False) -> list[Step]:
    """Say what theory knows of each block of `network`.

    Parameters
    ----------
    nonnegative : bool
        Whether inputs have no negative entries.
    """
    known, steps = _Before(nonnegative), list[Step]()
    for block in network.layers:
        parts = tuple(_parts(block))
        steps.append(_step(parts, known))
        ends_in_relu = bool(parts) and _is_relu(parts[-1])
        known = _Before(nonnegative=ends_in_relu, rectified=ends_in_relu and isinstance(parts[0], Dense))
    return _backwards_too(steps, network)


def _step(parts: tuple[Layer, ...], before: _Before) -> Step:
    """Choose the closed form of one block by its shape."""
    if parts and isinstance(parts[-1], Dense | Convolution) and laws.is_zero(parts[-1]):
        return ZERO
    match parts:
        case (Dense() as dense,):
            return plain.layer(dense, None)
        case (Dense() as dense, activation) if not isinstance(activation, Dense | Residual):
            return plain.layer(dense, activation)
        case (Residual() as block, *rest):
            return _residual(block, rest, before)
    return Step(theory=NO_CONVOLUTIONS if any(isinstance(part, Convolution) for part in parts) else NO_BLOCK)


def _residual(block: Residual, behind: Sequence[Layer], before: _Before) -> Step:
    """Return the step of a shortcut times s around a branch times b, then a factor c or a ReLU: c s (x + b/s F(x))."""
    branch, inside = _factor(tuple(_parts(block.branch)))
    rest, shortcut = _factor(tuple(_parts(block.shortcut)))
    if rest or not shortcut:
        return Step(theory=NO_SHORTCUT)
    others, outside = _factor(tuple(behind))
    rectified = len(others) == 1 and _is_relu(others[0])
    if (others and not rectified) or (rectified and not before.nonnegative):
        return Step(theory=NO_BLOCK)
    if not inside or (branch and isinstance(branch[-1], Dense | Convolution) and laws.is_zero(branch[-1])):
        # what a ReLU takes from the cotangent is gone after the first block from above that has one
        step = replace(IDENTITY, backward=None) if rectified else IDENTITY
    elif any(isinstance(part, Convolution) for part in branch):
        return Step(theory=NO_CONVOLUTIONS)
    else:
        step = residual.block(branch, inside / shortcut)
        step = residual.rectified(step, above_relu=before.rectified) if rectified else step
    return scaled(step, shortcut * outside)


def _factor(parts: tuple[Layer, ...]) -> tuple[tuple[Layer, ...], float]:
    """Take constant factors off the end."""
    factor = 1.0
    while parts and isinstance(parts[-1], Scale | ScalarMultiplier):
        last = parts[-1]
        factor *= last.factor if isinstance(last, Scale) else last.value
        parts = parts[:-1]
    return parts, factor


def _backwards_too(steps: Sequence[Step], network: Network) -> list[Step]:
    """Keep the closed forms of the way back that hold below the blocks above.

    A cotangent that went through dense layers or identity shortcuts does not depend on the masks below. Behind a ReLU
    after an addition, or a smooth activation, it does: from there on down theory is silent, but for blocks that pass
    cotangents on as they are, because the block above has masked them by the same ReLU.
    """
    found, known = list[Step](), True
    for number in reversed(range(len(steps))):
        step, masked = steps[number], number + 1 < len(steps) and _ends_in_relu(network.layers[number + 1])
        if step.forward is IDENTITY.forward and (step.backward is not None or masked):
            step = replace(step, backward=1.0)
        elif not known:
            step = replace(step, backward=None)
        known = known and step.backward is not None
        found.append(step)
    return found[::-1]


def _ends_in_relu(block: Layer) -> bool:
    """Say whether a block is an identity shortcut and a ReLU."""
    parts = tuple(_parts(block))
    return len(parts) == 2 and isinstance(parts[0], Residual) and _is_relu(parts[1])


def _parts(layer: Layer) -> Iterator[Layer]:
    """Yield the layers inside, without scalars that start as if they were not there."""
    if isinstance(layer, Sequential):
        for part in layer.layers:
            yield from _parts(part)
    elif not _is_silent(layer):
        yield layer


def _is_silent(layer: Layer) -> bool:
    return (isinstance(layer, ScalarBias) and layer.value == 0) or (
        isinstance(layer, ScalarMultiplier) and layer.value == 1
    )


def _is_relu(layer: Layer) -> bool:
    return isinstance(layer, LeakyReLU) and layer.slope == 0
