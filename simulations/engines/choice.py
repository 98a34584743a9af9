"""Which engine a measurement runs on: radial chains, active units, undrawn weights or drawn ones.

- *radial* (``radial.py``): one input, norms only; O(1) random numbers a layer. Bias-free Gaussian ReLU networks.
- *active* (``active.py``): one input, all that names no unit; half the random numbers of undrawn weights, 3/4 in
  residual networks. Bias-free Gaussian ReLU networks without shortcuts from a ReLU. Taken when asked for only.
- *undrawn* (``simulations/weights/undrawn.py``): everything that products can tell; fan_in + fan_out random numbers
  for each layer and input.
- *drawn*: any law; fan_in * fan_out random numbers a layer.

`choose` takes the cheapest that is exact. `automatic` mixes the last two within a network, matrix by matrix.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from simulations.engines.active_chain import LAWS, ends_in_relu, read, why_not_active
from simulations.engines.radial_chain import why_not_radial
from simulations.engines.request import Request
from simulations.layers.dense import Dense
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import Initialiser, gaussian, rademacher
from simulations.weights.kinds import Kind, KindOf, Weights, drawn
from simulations.weights.undrawn import undrawn

Engine = Literal["auto", "radial", "active", "undrawn", "drawn"]

DEARER = 4
"""An undrawn matrix must need this many times fewer random numbers, to pay for what else it computes (measured)."""

NORMS_ONLY = "one input a draw, norms only"


def pays(rows: int, fan_in: int, fan_out: int) -> bool:
    """Say whether leaving a Gaussian matrix undrawn is cheaper than drawing it, for products with so many rows."""
    return DEARER * rows * (fan_in + fan_out) <= fan_in * fan_out


class Undecided:
    """Weights that the first product decides about: undrawn if they are Gaussian and its rows so few that it pays.

    A dense layer sees as many rows as the batch has inputs, a convolution one for each position of its window.
    """

    __array_ufunc__ = None  # x @ W is for W to answer

    def __init__(
        self, init: Initialiser, rng: np.random.Generator, shape: tuple[int, int, int], dtype: np.dtype | type
    ) -> None:
        self._init, self._rng, self._dtype, self.shape = init, rng, dtype, shape
        self.rows = 0
        """Of the first product; 0 before it."""
        self._decided: Weights | None = None

    def decided(self, rows: int) -> Weights:
        """Return the weights themselves, for a product with so many rows."""
        if self._decided is None:
            cheap = self._init.law is gaussian and pays(rows, *self.shape[1:])
            kind: Kind = undrawn(self._dtype) if cheap else drawn(self._dtype)
            self.rows, self._decided = rows, kind(self._init, self._rng, *self.shape)
        return self._decided

    def __rmatmul__(self, x: Array) -> Array:
        y: Array = x @ self.decided(x.shape[1])
        return y

    @property
    def mT(self) -> _Transposed:  # noqa: N802 (NumPy's name)
        """The transposed matrices, for products only."""
        return _Transposed(self)


@dataclass(frozen=True)
class _Transposed:
    weights: Undecided
    __array_ufunc__ = None

    def __rmatmul__(self, dy: Array) -> Array:
        dx: Array = dy @ self.weights.decided(dy.shape[1]).mT
        return dx


def automatic(dtype: np.dtype | type = np.float64) -> KindOf[Undecided]:
    """Return the kind that leaves a matrix undrawn where that is exact and cheaper for the rows that it meets."""

    def make(init: Initialiser, rng: np.random.Generator, draws: int, fan_in: int, fan_out: int) -> Undecided:
        return Undecided(init, rng, (draws, fan_in, fan_out), dtype)

    return make


@dataclass(frozen=True)
class Choice:
    """The engine that was taken and, in a few words, why."""

    engine: Literal["radial", "active", "undrawn", "drawn"]
    reason: str
    mixed: bool = False
    """Whether each matrix is left undrawn or drawn by itself, as is cheaper."""

    def kind(self, dtype: np.dtype | type) -> Kind:
        """Return the kind of the weights, where there are any (the radial engine has none)."""
        if self.mixed:
            return automatic(dtype)
        return undrawn(dtype) if self.engine == "undrawn" else drawn(dtype)


def choose(request: Request, rows: Mapping[str, int], asked: Engine) -> Choice:
    """Choose the engine for `request`.

    Parameters
    ----------
    rows : dict
        How many rows each matrix meets, by the name of the weights; see ``trial.py``.
    asked : Engine
        "auto" for the cheapest, or an engine that must be able to do it.

    Raises
    ------
    ValueError
        If `asked` is unknown or would be wrong for this request; the message says why and what to take instead.
    """
    if asked not in get_args(Engine):
        raise ValueError(f"unknown engine {asked!r}; expected one of {', '.join(get_args(Engine))}")
    dense = list(request.network.weights())
    others = [one.name for one in dense if one.init.law is not gaussian]
    match asked:
        case "radial":
            if reason := _why_not_radial(request):
                raise ValueError(f"the radial engine cannot do this: {reason}; take 'auto', 'undrawn' or 'drawn'")
            return Choice("radial", "as asked" if "variances" in request.extras else NORMS_ONLY)
        case "active":
            if reason := _why_not_active(request):
                raise ValueError(f"active units alone cannot do this: {reason}; take 'auto', 'undrawn' or 'drawn'")
            return Choice("active", "as asked")
        case "undrawn":
            if others:
                raise ValueError(
                    f"weights of layer {others[0]!r} are not Gaussian and must be drawn; take 'auto' or 'drawn'"
                )
            return Choice("undrawn", "as asked")
        case "drawn":
            return Choice("drawn", "as asked")
    if "variances" not in request.extras and not _why_not_radial(request):
        return Choice("radial", NORMS_ONLY)
    left = [one for one in dense if one.name not in others and pays(rows[one.weight], one.fan_in, one.fan_out)]
    if left:
        return Choice("undrawn", f"{len(left)} of {len(dense)} matrices, where that is cheaper", mixed=True)
    return Choice("drawn", "not Gaussian" if others else "matrices too small for anything else")


def _why_not_active(request: Request) -> str:
    """Return why what is asked needs to know which unit is which; empty if it does not."""
    if reason := _why_not_alone(request):
        return reason
    if request.backward not in (None, "loss", *LAWS):
        return "a cotangent of another law may treat units differently"
    if reason := why_not_active(request.network):
        return reason
    if request.targets is not None and ends_in_relu(read(request.network)):
        return "targets name the units of the output, and a ReLU at the end keeps none of them apart"
    return ""


def _why_not_alone(request: Request) -> str:
    """Return why each input does not have weights of its own; empty if it does."""
    if request.inputs.ndim > 2:
        return "the positions of an image share weights"
    return "inputs of one batch share weights" if request.sampling.batch > 1 else ""


def _why_not_radial(request: Request) -> str:
    """Return why norms of single inputs, and distances of twins, do not tell what is asked; empty if they do."""
    if reason := _why_not_alone(request):
        return reason
    if request.inputs.dtype != np.float64:
        return "it knows double precision only"
    signs_behind_dense = request.backward is rademacher and isinstance(request.network.layers[-1], Dense)
    if not (request.backward in (None, "loss", gaussian) or signs_behind_dense):
        return "norms tell of no other cotangents than the loss's, Gaussian ones, and random signs after a dense layer"
    return why_not_radial(request.network)
