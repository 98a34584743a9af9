"""The gradient of each weight matrix: how its mean square norm depends on the layer.

dC/dW_k is the outer product of the cotangent d_k at the pre-activation and the state x_{k-1}, so its squared Frobenius
norm is ||d_k||^2 ||x_{k-1}||^2. Given the layers below, d_k is as large on average whatever x_{k-1} is (for ReLU: flip
signs of rows as in `theory.plain.backward`, under its condition on v), so the mean of the product is that of the means.
n_l are the widths. Over the weights at a fixed input; exact at every width.

- ReLU, fan-in He: E||dC/dW_k||^2 = n_{k-1} / (2 n_0) E||v||^2 ||x_0||^2 (`relu`).
- Linear, d layers of width n: E||dC/dW_i||^2 = (n sigma^2)^(d-1) ||v||^2 ||x_0||^2 at every i (`linear`).
- Mean squares of one cotangent entry grow by n_l / n_0 under fan-in He (`entry_telescope`), those of one unit by
  n_0 / n_l under fan-out He (`forward_telescope`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive_integer
from theory.fluctuations import norms as fluctuations
from theory.plain import backward
from theory.plain import norms as plain
from theory.plain.backward import WIDTH
from theory.rules import equal, recursion, substituting
from theory.symbols import DEPTH, VARIANCE, N

G = sp.Symbol("g", positive=True)
"""The factor of a linear layer on a mean square norm."""
D, POSITION = sp.symbols("d i", integer=True, positive=True)
"""The number of layers, and the position of one of them, from 1."""


@cache
def entry_telescope() -> Derivation:
    """Derive the product of He's backward factors of one entry, n_l / n_{l-1}, under fan-in initialisation."""
    product = sp.Function("P")
    factor = backward.entry_pullback().at({backward.FAN_OUT: WIDTH(DEPTH + 1), VARIANCE: 2 / WIDTH(DEPTH)})
    return Derivation.begin(
        "Mean square of one cotangent entry under fan-in initialisation",
        "Layer l + 1 has fan_out sigma^2 / 2 with sigma^2 = 2 / fan_in; P is the product of the factors so far.",
        sp.Eq(product(DEPTH + 1), product(DEPTH) * factor),
    ).then(
        "The product telescopes: only the first and the last width remain.",
        sp.Eq(product(DEPTH), WIDTH(DEPTH) / WIDTH(0)),
        recursion(DEPTH, sp.S.One),
    )


@cache
def forward_telescope() -> Derivation:
    """Derive the product of the forward factors of one unit's mean square under fan-out initialisation."""
    product = sp.Function("P")
    norm = plain.layer().at({VARIANCE: 2 / WIDTH(DEPTH + 1)}, n=WIDTH(DEPTH + 1), a=0)
    return Derivation.begin(
        "Mean square of one unit under fan-out initialisation",
        "The square norm grows by fan_out sigma^2 / 2 with sigma^2 = 2 / fan_out; a unit's share is one of its width.",
        sp.Eq(product(DEPTH + 1), product(DEPTH) * norm * WIDTH(DEPTH) / WIDTH(DEPTH + 1)),
    ).then(
        "The product telescopes: the reciprocal of the backward one under fan-in.",
        sp.Eq(product(DEPTH), WIDTH(0) / WIDTH(DEPTH)),
        recursion(DEPTH, sp.S.One),
    )


@cache
def relu() -> Derivation:
    """Derive E||dC/dW_k||^2 of a ReLU net under fan-in He initialisation."""
    cotangent, start = sp.symbols(r"E\|v\|^2 \|x_0\|^2", positive=True)
    grown = sp.Function("X")
    below = plain.layer().at({VARIANCE: 2 / WIDTH(DEPTH)}, n=WIDTH(DEPTH + 1), a=0)
    return (
        Derivation.begin(
            "Square norm of a weight gradient, fan-in He",
            "The mean square norm of the state grows by n sigma^2 / 2 in every layer, sigma^2 = 2 / fan_in.",
            sp.Eq(grown(DEPTH + 1), grown(DEPTH) * below),
        )
        .then(
            "The product telescopes.",
            sp.Eq(grown(DEPTH), start * WIDTH(DEPTH) / WIDTH(0)),
            recursion(DEPTH, start),
        )
        .then(
            "Multiply by that of the cotangent below the mask: every layer above keeps E||v||^2 (factor 1) and the "
            "mask of this layer halves it.",
            backward.pullback().at({backward.FAN_IN: N, VARIANCE: 2 / N})
            * cotangent
            * start
            * WIDTH(DEPTH)
            / WIDTH(0)
            / 2,
            lambda before, now: equal(before.args[1] * cotangent / 2, now),
        )
        .then(
            "In units of both norms.", WIDTH(DEPTH) / (2 * WIDTH(0)), lambda b, now: equal(b / (cotangent * start), now)
        )
    )


@cache
def linear() -> Derivation:
    """Derive E||dC/dW_i||^2 of a deep linear net of constant width n and d layers, in units of both norms."""
    growth = plain.layer().at(n=N, a=1)
    return (
        Derivation.begin(
            "Square norm of a weight gradient of a linear net",
            "i - 1 layers below multiply the square norm of the state by g each, d - i layers above that of the "
            "cotangent.",
            G ** (POSITION - 1) * G ** (D - POSITION),
        )
        .then("The position cancels.", G ** (D - 1))
        .then(
            "Forwards and backwards g is n sigma^2, as the widths are equal.",
            growth ** (D - 1),
            substituting({G: growth}),
        )
    )


def entry_product(input_width: Value, last_width: Value) -> sp.Expr:
    """Return n_L / n_0, by which the mean square of a cotangent's entry grows from x_L down to x_0, fan-in He. Exact.

    Source: He et al. 2015, equations 14 to 16. Conditions as in `theory.plain.backward.backward_factor`.
    """
    return _ends(entry_telescope(), input_width, last_width)


def unit_product(input_width: Value, last_width: Value) -> sp.Expr:
    """Return n_0 / n_L, by which the mean square of a unit grows from x_0 to x_L under fan-out He. Exact."""
    return _ends(forward_telescope(), input_width, last_width)


def _ends(derivation: Derivation, input_width: Value, last_width: Value) -> sp.Expr:
    widths = {
        WIDTH(0): positive_integer("input_width", input_width),
        WIDTH(DEPTH): positive_integer("last_width", last_width),
    }
    return derivation.result.subs(widths)


def relu_weight_gradient(widths: Sequence[Value], layer: int) -> sp.Expr:
    """Return E||dC/dW_k||^2 / (E||v||^2 ||x_0||^2) = n_{k-1} / (2 n_0), k = `layer` from 1, fan-in He and ReLU. Exact.

    `widths` are those of x_0, ..., x_L; weights of a continuous law symmetric about 0 (a pre-activation of exactly 0
    has no mask to flip, as with random signs), v at x_L as in `theory.plain.backward.backward_factor`.

    Raises
    ------
    ValueError
        If there is no such layer.
    """
    if not 1 <= layer < len(widths):
        raise ValueError(f"layer is {layer}; expected 1 to {len(widths) - 1}")
    ends = {
        WIDTH(0): positive_integer("widths", widths[0]),
        WIDTH(DEPTH): positive_integer("widths", widths[layer - 1]),
    }
    return relu().result.subs(ends)


def relu_weight_gradient_relative_variance(widths: Sequence[Value]) -> sp.Expr:
    """Return Var||dC/dW_k||^2 / (E||dC/dW_k||^2)^2, the same for every layer k: v of random signs, Gaussian weights.

    Exact. The ratios of all hidden layers but the last enter, forwards below k and backwards above (see
    `theory.plain.backward_fluctuations.fluctuation`), and the 1 + 1/n_L of the last mask.
    """
    last = positive_integer("widths", widths[-1])
    return fluctuations.fourth_moment_ratio(widths[1:-1]) * (1 + 1 / last) - 1


def linear_weight_gradient(width: Value, variance: Value, layers: Value) -> sp.Expr:
    """Return E||dC/dW_i||^2 / (||v||^2 ||x_0||^2) = (n s^2)^(d - 1) of any of the d `layers` of a linear net. Exact.

    For weights of mean 0; x_0 and v are fixed.

    Source: Glorot and Bengio 2010, section 4.2.1.
    """
    values = {VARIANCE: nonnegative("variance", variance), D: positive_integer("layers", layers)}
    return linear().at(values, n=positive_integer("width", width))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (entry_telescope, forward_telescope, relu, linear)
