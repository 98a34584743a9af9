r"""Residual blocks whose branch leans along its input: the shortcut by itself forces no growth.

The branch is F(x) = c x + G(x), G of mean 0 and gain eta^2 ("He then LeCun"), so <x, F> has mean c ||x||^2. Over
weights symmetric about 0, at a fixed input; exact at every width.

- A block multiplies E||x||^2 by (1 + c)^2 + eta^2 (`growth`), and that of a cotangent as well (`backward`): by more
  than 1 wherever c = 0, but by 1/4 for F = -x/2.
- It stays as it is for eta^2 = -c (2 + c) (`unchanged`): a branch that is centred must be 0, one that takes back half
  of its input has the gain 3/4.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, real
from theory.residual.block import ACROSS, COTANGENT, INNER, NORM, OUTPUT, PULLED, SIZES, backwards, forwards
from theory.rules import equal, solving, substituting
from theory.symbols import ETA
from theory.written_out import at_sizes

LEAN, GAIN = sp.Symbol("c", real=True), sp.Symbol("eta^2", real=True)
"""The part of the input that a branch adds, and the gain of its centred part."""


@cache
def growth() -> Derivation:
    """Derive the factor by which a block multiplies E||x||^2."""
    return (
        Derivation.begin(
            "Growth in a block whose branch leans along its input",
            "Expand ||x + c x + G||^2.",
            (1 + LEAN) ** 2 * NORM + 2 * (1 + LEAN) * INNER + OUTPUT,
        )
        .then(
            "Average over both layers and the masks: x.G has mean 0, G the gain eta^2.",
            ((1 + LEAN) ** 2 + ETA**2) * NORM,
            at_sizes(forwards, *SIZES),
        )
        .then(
            "Divide by the square norm of the input.",
            (1 + LEAN) ** 2 + ETA**2,
            lambda before, now: equal(sp.expand(before / NORM), now),
        )
    )


@cache
def backward() -> Derivation:
    """Derive the factor by which a block multiplies the mean square norm of a cotangent."""
    return (
        Derivation.begin(
            "Growth of the cotangent where the branch leans along its input",
            "Expand ||v + c v + h||^2, h what comes back through G.",
            (1 + LEAN) ** 2 * COTANGENT + 2 * (1 + LEAN) * ACROSS + PULLED,
        )
        .then(
            "Average over both layers and the masks.",
            ((1 + LEAN) ** 2 + ETA**2) * COTANGENT,
            at_sizes(backwards, *SIZES),
        )
        .then(
            "Divide by the square norm of v.",
            (1 + LEAN) ** 2 + ETA**2,
            lambda before, now: equal(sp.expand(before / COTANGENT), now),
        )
    )


@cache
def unchanged() -> Derivation:
    """Derive the gain at which a block leaves the mean square as it is."""
    return (
        Derivation.begin("A block that does not grow", "Ask that the factor be 1.", sp.Eq(growth().result, 1))
        .then("Write the gain for eta^2.", sp.Eq((1 + LEAN) ** 2 + GAIN, 1), substituting({ETA**2: GAIN}))
        .then("Solve for it.", sp.Eq(GAIN, -LEAN * (2 + LEAN)), solving(GAIN))
    )


def block_growth(lean: Value, gain: Value) -> sp.Expr:
    """Return E||x'||^2 / ||x||^2 of a block with the branch c x + G, c = `lean`, G of this gain; backwards as well.

    Raises
    ------
    ValueError
        If `lean` is not real or `gain` is negative.
    """
    return growth().at(c=real("lean", lean), eta=sp.sqrt(nonnegative("gain", gain)))


def steady_gain(lean: Value) -> sp.Expr:
    """Return the gain at which the mean square stays as it is; negative where there is none."""
    return unchanged().at(c=real("lean", lean))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (growth, backward, unchanged)
