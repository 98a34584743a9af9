r"""Layers in balance: what training leaves of the differences between the layers' squared norms.

In a ReLU net without biases the logits z have degree 1 in each layer's weights W_l. G_l is the gradient of the loss of
a minibatch in W_l, eta the learning rate. Exact at every step of plain SGD; nothing is averaged.

- <W_l, G_l> = <dl/dz, z>, the same for every layer (`inner_product`); the same <dl/dF, F> for every layer of a residual
  branch F, other for another branch (`in_a_branch`).
- So a step moves ||W_l||^2 - ||W_k||^2 by eta^2 (||G_l||^2 - ||G_k||^2): only by the second order (`step`).
- It moves ||W_l||^2 itself by -2 eta <dl/dz, z> + eta^2 ||G_l||^2 (`of_one`); for the softmax loss <dl/dz, z> is the
  loss less the entropy of the prediction (`theory.homogeneity.softmax`), so the first order is known from the loss.
- Under gradient flow, the limit of small steps over a fixed time, by nothing (`flow`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, real
from theory.rules import limit, naming, substituting
from theory.symbols import RATE
from theory.written_out import WrittenOut, at_sizes

INNER, OTHER_INNER = sp.symbols(r"<{W_l}\,{G_l}> <{W_k}\,{G_k}>", real=True)
ALONG, ALONG_BRANCH = sp.symbols(r"<dl/dz\,z> <dl/dF\,F>", real=True)
"""Gradients along the logits and along the output of a branch, summed over the minibatch."""
SQUARE, OTHER_SQUARE = sp.symbols(r"\|{G_l}\|^2 \|{G_k}\|^2", nonnegative=True)
TIME, GAP = sp.Symbol("t", positive=True), sp.Symbol("g", real=True)
"""Time of training, in units in which a step takes eta, and the mean of ||G_l||^2 - ||G_k||^2 over its steps."""


@cache
def inner_product() -> Derivation:
    """Derive <W_l, G_l> in a plain net, for any of its layers."""
    return Derivation.begin(
        "A layer and its gradient",
        "Sum weights times their gradients over a layer of a plain ReLU net; the masks of two inputs do not move.",
        INNER,
    ).then(
        "Whichever the layer is, every path through the net has one of its weights as a factor.",
        ALONG,
        at_sizes(_plain, *((layers, which) for layers in (1, 2, 3) for which in range(layers))),
    )


@cache
def in_a_branch() -> Derivation:
    """Derive <W_l, G_l> for the layers of a residual branch."""
    return Derivation.begin(
        "A branch layer and its gradient",
        "Sum weights times their gradients over a layer of the first of two residual branches.",
        INNER,
    ).then(
        "Whichever layer of the branch it is, scaling it scales the branch and not the shortcut.",
        ALONG_BRANCH,
        at_sizes(_residual, (0,), (1,)),
    )


def _plain(layers: int, which: int) -> WrittenOut:
    """Write out a plain net of width 2 at two inputs, with the slopes of the loss in its one logit at each."""
    sizes = [*[2] * layers, 1]
    weights = [
        sp.Matrix(rows, columns, lambda i, j, k=k: sp.Symbol(f"w{k}_{i}{j}", real=True))
        for k, (columns, rows) in enumerate(pairwise(sizes))
    ]
    loss = sp.S.Zero
    for sample in "ab":
        state = sp.Matrix(sp.symbols(f"x{sample}_1:3", real=True))
        for k, weight in enumerate(weights):
            state = weight * state
            if k < layers - 1:
                state = sp.diag(*sp.symbols(f"d{k}{sample}_1:3", nonnegative=True)) * state
        loss += sp.Symbol(f"l'_{sample}", real=True) * state[0]
    return WrittenOut({INNER: _along(loss, weights[which]), ALONG: loss}, [])


def _residual(which: int) -> WrittenOut:
    """Write out two residual blocks of width 1 and two hidden units each, to first order in the output."""
    x, slope = sp.symbols("x l'", real=True)
    loss, layers = x, []
    for block in range(2):
        first = sp.Matrix(2, 1, sp.symbols(f"w{block}_1:3", real=True))
        last = sp.Matrix(1, 2, sp.symbols(f"u{block}_1:3", real=True))
        kept = sp.diag(*sp.symbols(f"d{block}_1:3", nonnegative=True))
        loss += (last * kept * first)[0] * loss
        layers.append((first, last, (last * kept * first)[0]))
    first, last, gain = layers[0]
    above = 1 + layers[1][2]  # dz/dF of the first branch
    return WrittenOut({INNER: _along(slope * loss, (first, last)[which]), ALONG_BRANCH: slope * above * gain * x}, [])


def _along(loss: sp.Expr, weight: sp.Matrix) -> sp.Expr:
    return sp.Add(*(entry * sp.diff(loss, entry) for entry in weight))


@cache
def step() -> Derivation:
    """Derive by how much one step of SGD moves the difference of two layers' squared norms."""
    (u, v, p, q), (a, b, s, t) = sp.symbols("u v p q", real=True), sp.symbols("a b s t", real=True)
    moved = (u - RATE * p) ** 2 + (v - RATE * q) ** 2 - u**2 - v**2
    other = (a - RATE * s) ** 2 + (b - RATE * t) ** 2 - a**2 - b**2
    names = {
        INNER: u * p + v * q,
        OTHER_INNER: a * s + b * t,
        SQUARE: p**2 + q**2,
        OTHER_SQUARE: s**2 + t**2,
    }
    return (
        Derivation.begin(
            "Balance in one step of SGD",
            "Two weights of each of two layers move by -eta times their gradients; subtract the changes of the squared "
            "norms. Further weights add like terms.",
            moved - other,
        )
        .then(
            "Collect inner products and squared norms.",
            -2 * RATE * (INNER - OTHER_INNER) + RATE**2 * (SQUARE - OTHER_SQUARE),
            naming(names),
        )
        .then(
            "The inner products are equal, so the first order cancels.",
            RATE**2 * (SQUARE - OTHER_SQUARE),
            substituting({OTHER_INNER: INNER}),
        )
    )


@cache
def of_one() -> Derivation:
    """Derive by how much one step of SGD moves a layer's squared norm."""
    u, v, p, q = sp.symbols("u v p q", real=True)
    return (
        Derivation.begin(
            "One layer in one step of SGD",
            "Two weights of a layer move by -eta times their gradients; further weights add like terms.",
            (u - RATE * p) ** 2 + (v - RATE * q) ** 2 - u**2 - v**2,
        )
        .then(
            "Collect inner product and squared norm.",
            -2 * RATE * INNER + RATE**2 * SQUARE,
            naming({INNER: u * p + v * q, SQUARE: p**2 + q**2}),
        )
        .then(
            "The inner product is the gradient along the logits, whichever the layer.",
            -2 * RATE * ALONG + RATE**2 * SQUARE,
            substituting({INNER: inner_product().result}),
        )
    )


@cache
def flow() -> Derivation:
    """Derive the same over a fixed time, for steps that become small."""
    return (
        Derivation.begin(
            "Balance under gradient flow",
            "In the time t there are t / eta steps; each moves the difference by eta^2 times that of the squared "
            "gradients, whose mean is g.",
            TIME / RATE * step().result,
        )
        .then("Put in the mean.", TIME * RATE * GAP, substituting({SQUARE: OTHER_SQUARE + GAP}))
        .then("Small steps: what gradients are bounded by does not matter.", sp.S.Zero, limit(RATE, 0))
    )


def drift(rate: Value, square: Value, other: Value) -> sp.Expr:
    """Return by how much a step moves ||W_l||^2 - ||W_k||^2, given ||G_l||^2 and ||G_k||^2. Exact.

    Raises
    ------
    ValueError
        If `rate` is not positive or a square is negative.

    Source: Du, Hu and Lee 2018 for gradient flow; the step is derived here.
    """
    squares = {SQUARE: nonnegative("square", square), OTHER_SQUARE: nonnegative("other", other)}
    return step().at({RATE: positive("rate", rate), **squares})


def square_norm_change(rate: Value, along: Value, square: Value) -> sp.Expr:
    """Return by how much a step moves ||W_l||^2, given <dl/dz, z>, the mean over the minibatch, and ||G_l||^2. Exact.

    Raises
    ------
    ValueError
        If `rate` is not positive or the square is negative.
    """
    known = {RATE: positive("rate", rate), ALONG: real("along", along), SQUARE: nonnegative("square", square)}
    return of_one().at(known)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (inner_product, in_a_branch, step, of_one, flow)
