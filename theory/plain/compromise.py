"""What Glorot's compromise costs where the fans differ, and how fast the heuristic that it replaced decays.

r is fan_out / fan_in of a linear layer with Glorot's variance. Factors on mean squares of a unit or of an entry of the
cotangent, over the weights; exact at every width.

- Forwards 2 / (1 + r) (`forward_gain`), backwards 2 r / (1 + r) (`backward_gain`): they add to 2 (`gain_sum`) and
  multiply to at most 1, reached at r = 1 (`gain_product`).
- Two layers from one width to another and back: 4 r / (1 + r)^2 (`cycle`).
- U(-1/sqrt n, 1/sqrt n) at constant width n: (1 + a^2)/6 a layer, a the slope of the leaky ReLU (`old_heuristic`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive, positive_integer
from theory.layer import one_layer
from theory.plain import glorot
from theory.plain import norms as plain
from theory.rules import at_most, dropping, substituting
from theory.symbols import SLOPE, N

FAN_IN, FAN_OUT = glorot.FAN_IN, glorot.FAN_OUT
RATIO = sp.Symbol("r", positive=True)
"""fan_out / fan_in."""


@cache
def forward_gain() -> Derivation:
    """Derive the factor on the mean square of a unit in a linear layer with Glorot's variance."""
    return _gain("Forward gain of Glorot's variance", "fan_in terms", FAN_IN, 2 / (1 + RATIO))


@cache
def backward_gain() -> Derivation:
    """Derive the factor on the mean square of an entry of the cotangent."""
    return _gain("Backward gain of Glorot's variance", "fan_out terms", FAN_OUT, 2 * RATIO / (1 + RATIO))


def _gain(title: str, terms: str, fan: sp.Symbol, result: sp.Expr) -> Derivation:
    gain = fan * glorot.compromise().result
    in_ratio = {FAN_OUT: RATIO * FAN_IN}
    return (
        Derivation.begin(title, f"A sum of {terms}, each with Glorot's variance.", gain)
        .then("Write fan_out as r fan_in.", gain.subs(in_ratio), substituting(in_ratio))
        .then("The fan cancels: the ratio alone counts.", result)
    )


@cache
def gain_sum() -> Derivation:
    """Derive that the two gains add to 2."""
    return Derivation.begin("Sum of the two gains", "Add them.", forward_gain().result + backward_gain().result).then(
        "What one direction gains the other loses.", sp.Integer(2)
    )


@cache
def gain_product() -> Derivation:
    """Derive that the product of the two gains is at most 1."""
    return (
        Derivation.begin("Product of the two gains", "Multiply them.", forward_gain().result * backward_gain().result)
        .then("Complete the square.", 1 - ((1 - RATIO) / (1 + RATIO)) ** 2)
        .then(
            "Leave out the square: the product is at most 1, and equal to it only at r = 1.",
            at_most(1 - ((1 - RATIO) / (1 + RATIO)) ** 2, sp.S.One),
            dropping(-(((1 - RATIO) / (1 + RATIO)) ** 2)),
        )
    )


@cache
def cycle() -> Derivation:
    """Derive the gain of two layers that lead from one width to another and back."""
    return (
        Derivation.begin(
            "Gain of alternating widths",
            "Multiply the forward gains of a layer with ratio r and of one with ratio 1/r.",
            forward_gain().result * forward_gain().at(r=1 / RATIO),
        )
        .then("It is the product of a layer's two gains.", forward_gain().result * backward_gain().result)
        .then("Collect.", 4 * RATIO / (1 + RATIO) ** 2)
    )


@cache
def old_heuristic() -> Derivation:
    """Derive the factor per layer of width n of weights uniform between -1/sqrt n and 1/sqrt n."""
    bound = sp.Symbol("b", positive=True)
    return Derivation.begin(
        "Decay under the old heuristic",
        "The factor of a leaky ReLU layer with weights uniform between -b and b.",
        plain.layer_factor(N, one_layer.uniform_variance(bound), SLOPE),
    ).then(
        "Put in the bound 1/sqrt n: a linear layer (slope 1) keeps a third, a rectified one (slope 0) half of that.",
        (1 + SLOPE**2) / 6,
        substituting({bound: 1 / sp.sqrt(N)}),
    )


def forward(fan_in: Value, fan_out: Value) -> sp.Expr:
    """Return the factor of a linear layer with Glorot's variance on the mean square of a unit."""
    return forward_gain().at(r=_ratio(fan_in, fan_out))


def backward(fan_in: Value, fan_out: Value) -> sp.Expr:
    """Return the factor of a linear layer with Glorot's variance on the mean square of an entry of the cotangent."""
    return backward_gain().at(r=_ratio(fan_in, fan_out))


def cycle_gain(width: Value, other: Value) -> sp.Expr:
    """Return the gain, forwards and backwards, of two linear layers width -> other -> width; below 1 unless equal."""
    return cycle().at(r=_ratio(width, other))


def old_heuristic_factor(slope: Value = 0) -> sp.Expr:
    """Return the factor per layer under U(+-1/sqrt n) at constant width n: 1/6 for ReLU, 1/3 for linear layers."""
    return old_heuristic().at(a=slope)


def _ratio(fan_in: Value, fan_out: Value) -> sp.Expr:
    return positive("ratio", positive_integer("fan_out", fan_out) / positive_integer("fan_in", fan_in))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    forward_gain,
    backward_gain,
    gain_sum,
    gain_product,
    cycle,
    old_heuristic,
)
