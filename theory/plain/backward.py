"""Plain ReLU nets backwards: the square norm of the cotangent v at a layer's output, pulled back to its input.

For x_l = relu(W_l x_{l-1}), W_l of shape fan_out x fan_in and variance sigma^2, the pullback is W^T D v with D the mask
of active units. Over the weights at a fixed input, exact at every width. For means v needs E v_i v_j = 0 for i != j,
independently of the weights; for a fixed v the cross terms survive.

- E||W^T D v||^2 = fan_in sigma^2/2 E||v||^2 (`pullback`): 1 under fan-in He. Per entry, fan_out sigma^2/2
  (`entry_pullback`), as in He et al. 2015.
- Fan-out He: the factors multiply to n_0 / n_l (`telescope`).
- v of all ones, fan-in He, Gaussian weights: 1 + (fan_out - 1) / (pi fan_in), not 1 (`all_ones`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive_integer
from theory.expectation import averaged, gaussian
from theory.rules import equal, recursion, substituting
from theory.symbols import DEPTH, VARIANCE

FAN_IN, FAN_OUT = (sp.Symbol(name, integer=True, positive=True) for name in ("m", "n"))
V = sp.symbols("v_1 v_2", real=True)
W = sp.symbols("w_1 w_2", real=True)
WIDTH = sp.Function("n")
"""Width by layer: n(l)."""
MASK = sp.symbols("d_1 d_2", nonnegative=True)


@cache
def pullback() -> Derivation:
    """Derive E||W^T D v||^2 for two output units; more add terms of the same kind."""
    norm = sp.Symbol(r"\|v\|^2", positive=True)
    cotangent = sp.symbols("E[v_1^2] E[v_2^2]", positive=True)
    entry = sum(d * w * v for d, w, v in zip(MASK, W, V, strict=True)) ** 2
    uncorrelated = sum(d**2 * w**2 * c for d, w, c in zip(MASK, W, cotangent, strict=True))
    return (
        Derivation.begin(
            "Square norm of the cotangent below a ReLU layer",
            "Square one entry of W^T D v; w_1, w_2 are its column of W and d_1, d_2 are 1 for active units, else 0.",
            entry,
        )
        .then(
            "Average over v, whose entries are uncorrelated: the cross term goes.",
            uncorrelated,
            averaged({v: (1, 0, c) for v, c in zip(V, cotangent, strict=True)}),
        )
        .then(
            "Flipping the sign of a row of W turns d into 1 - d and leaves w^2: average over the pair.",
            sum(w**2 * c * (d**2 + (1 - d) ** 2) / 2 for d, w, c in zip(MASK, W, cotangent, strict=True)),
            _over_flips,
        )
        .then(
            "One of d and 1 - d is 1 and the other 0.",
            sum(w**2 * c / 2 for w, c in zip(W, cotangent, strict=True)),
            _for_every_mask,
        )
        .then(
            "Average over the weights.",
            VARIANCE * sum(cotangent) / 2,
            averaged(dict.fromkeys(W, (1, 0, VARIANCE))),
        )
        .then(
            "Add the fan_in equal entries and name E||v||^2.",
            FAN_IN * VARIANCE * norm / 2,
            lambda before, now: equal(FAN_IN * before, now.subs(norm, sum(cotangent))),
        )
        .then("Divide by it.", FAN_IN * VARIANCE / 2, lambda before, now: equal(before / norm, now))
    )


def _over_flips(before: sp.Basic, now: sp.Basic) -> str:
    flips = [{MASK[0]: a, MASK[1]: b} for a in (MASK[0], 1 - MASK[0]) for b in (MASK[1], 1 - MASK[1])]
    return equal(sum(before.subs(flip, simultaneous=True) for flip in flips) / 4, now)


def _for_every_mask(before: sp.Basic, now: sp.Basic) -> str:
    ways = {equal(before.subs({MASK[0]: a, MASK[1]: b}), now) for a in (0, 1) for b in (0, 1)}
    return "exact" if ways == {"exact"} else "30 digits"


@cache
def entry_pullback() -> Derivation:
    """Derive He's backward factor, that of the mean square of one entry."""
    return Derivation.begin(
        "Mean square of one entry of the cotangent",
        "The square norm grows by fan_in sigma^2 / 2; an entry below is one of fan_in, an entry above one of fan_out.",
        pullback().result * FAN_OUT / FAN_IN,
    ).then("The fan of the input cancels.", FAN_OUT * VARIANCE / 2)


@cache
def telescope() -> Derivation:
    """Derive the product of the backward factors n_{l-1} / n_l of fan-out initialisation."""
    product = sp.Function("P")
    factor = pullback().at({FAN_IN: WIDTH(DEPTH), VARIANCE: 2 / WIDTH(DEPTH + 1)})
    return (
        Derivation.begin(
            "Backward norm under fan-out initialisation",
            "From layer l + 1 to layer l the mean square norm is multiplied by fan_in sigma^2 / 2 with sigma^2 = 2 / "
            "fan_out.",
            sp.Eq(product(DEPTH + 1), product(DEPTH) * factor),
        )
        .then("Insert the widths.", sp.Eq(product(DEPTH + 1), product(DEPTH) * WIDTH(DEPTH) / WIDTH(DEPTH + 1)))
        .then(
            "The product telescopes: only the first and the last width remain.",
            sp.Eq(product(DEPTH), WIDTH(0) / WIDTH(DEPTH)),
            recursion(DEPTH, sp.S.One),
        )
    )


@cache
def all_ones() -> Derivation:
    """Derive E||W^T D v||^2 / ||v||^2 under fan-in He for Gaussian weights and v fixed at all ones."""
    t = sp.Symbol("t", positive=True)
    one_sided = sp.Symbol("c", positive=True)
    square = FAN_OUT * FAN_IN * VARIANCE / 2
    return (
        Derivation.begin(
            "A fixed cotangent of ones",
            "The fan_out squares give fan_in sigma^2 / 2 each; of the pairs of distinct units each gives the square "
            "of the norm of E[d w], which is c sigma along the input, c being the mean of t over t > 0.",
            square + FAN_OUT * (FAN_OUT - 1) * VARIANCE * one_sided**2,
        )
        .then(
            "Integrate t over the half-line.",
            square + FAN_OUT * (FAN_OUT - 1) * VARIANCE / (2 * sp.pi),
            substituting({one_sided: gaussian(t, t, sp.S.Zero)}),
        )
        .then(
            "Fan-in He: sigma^2 = 2 / fan_in.",
            FAN_OUT + FAN_OUT * (FAN_OUT - 1) / (sp.pi * FAN_IN),
            substituting({VARIANCE: 2 / FAN_IN}),
        )
        .then(
            "Divide by ||v||^2 = fan_out: the first term is the factor 1 of uncorrelated cotangents, the second is "
            "the excess.",
            1 + (FAN_OUT - 1) / (sp.pi * FAN_IN),
            lambda before, now: equal(before / FAN_OUT, now),
        )
    )


def backward_factor(fan_in: Value, variance: Value) -> sp.Expr:
    """Return E||W^T D v||^2 / E||v||^2 = fan_in variance / 2; exactly 1 under fan-in He, whatever the widths.

    Exact for continuous weights symmetric about 0 and a cotangent with uncorrelated entries, independent of them.

    Source: He et al. 2015, section 2.2, stated there per entry: see `backward_entry_factor`.
    """
    return pullback().at({VARIANCE: nonnegative("variance", variance), FAN_IN: positive_integer("fan_in", fan_in)})


def backward_entry_factor(fan_out: Value, variance: Value) -> sp.Expr:
    """Return fan_out variance / 2, the factor of the mean square of one entry of the cotangent; same conditions."""
    values = {VARIANCE: nonnegative("variance", variance), FAN_OUT: positive_integer("fan_out", fan_out)}
    return entry_pullback().at(values)


def fan_out_product(input_width: Value, last_width: Value) -> sp.Expr:
    """Return E||dC/dx_0||^2 / E||v||^2 = n_0 / n_L under fan-out He: the widths between cancel."""
    widths = (positive_integer("input_width", input_width), positive_integer("last_width", last_width))
    return telescope().result.subs({WIDTH(0): widths[0], WIDTH(DEPTH): widths[1]})


def fixed_ones_factor(fan_in: Value, fan_out: Value) -> sp.Expr:
    """Return E||W^T D v||^2 / ||v||^2 for v fixed at all ones: 1 + (fan_out - 1) / (pi fan_in), not 1.

    Exact for one layer with Gaussian weights of variance 2 / fan_in.
    """
    return all_ones().at({FAN_IN: positive_integer("fan_in", fan_in), FAN_OUT: positive_integer("fan_out", fan_out)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (pullback, entry_pullback, telescope, all_ones)
