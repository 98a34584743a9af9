"""Gradients of plain nets, layer by layer: of one entry of the state, and of every weight matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import sympy as sp

from claims.papers import GLOROT, HE
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Initialiser, LeakyReLU, he, he_fan_out, lecun, measure, mlp, torch_default
from simulations.engines.record import Record
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.fluctuations import norms as fluctuations
from theory.layer import one_layer
from theory.plain import backward, backward_fluctuations, weight_gradients
from theory.plain import norms as plain


def _record(run: Run, widths: tuple[int, ...], init: Initialiser, slope: float, draws: int) -> Record:
    return measure(
        mlp(widths, init=init, activation=LeakyReLU(slope)),
        run.inputs.narrowed(widths[0]),
        draws=draws,
        rng=run.rng("gradients"),
        backward=True,
        extras=("variances", "weight_gradients"),
    )


Ends = Callable[[int, int], sp.Expr]


@claim(
    "C11",
    paper=HE,
    where="section 2.2, equations 12 to 14 and the remark after them",
    states=r"\frac{\mathbb E(\partial C/\partial x_0)_i^2}{\mathbb E v_i^2}=\frac{n_L}{n_0}\ \text{(fan-in)},\qquad"
    r"\frac{\mathbb E x_{L,i}^2}{\overline{x_0^2}}=\frac{n_0}{n_L}\ \text{(fan-out)}",
    derivation=[backward.entry_pullback, weight_gradients.entry_telescope, weight_gradients.forward_telescope],
    mutants=[
        mutant(
            "exponential in depth",
            "The ratio of the ends once a layer: but the widths between cancel.",
            entries=lambda first, last: sp.Rational(last, first) ** 2,
        ),
        mutant(
            "its reciprocal",
            "n_0 / n_L is the forward product under fan-out.",
            entries=lambda first, last: sp.Rational(first, last),
        ),
        mutant(
            "one choice satisfies both conditions",
            "The norm is kept backwards under fan-in; an entry's share of it changes with the width.",
            entries=lambda first, last: sp.Integer(1),
        ),
        mutant(
            "fan-out keeps the forward pass too",
            "Only where all widths are equal.",
            units=lambda first, last: sp.Integer(1),
        ),
        mutant("weights swapped", "Fan-out weights where the claim is made for fan-in.", fan_in=he_fan_out),
    ],
)
def entries_telescope(
    run: Run,
    *,
    entries: Ends = weight_gradients.entry_product,
    units: Ends = weight_gradients.unit_product,
    fan_in: Initialiser = he,
) -> Finding:
    """Scaling by one fan leaves the other direction a factor that telescopes to a ratio of two widths.

    Fan-in weights multiply the mean square of a gradient's entry by n_L / n_0 in all, fan-out weights that of a unit
    by n_0 / n_L; so neither is exponential in depth. Averages over Gaussian weights and a cotangent of random signs at
    fixed input; exact at any width (here 10, 6, 5). The variances are exact.
    """
    run, widths, findings = run.share(2), (10, 6, 5), []
    first, last = widths[0], widths[-1]
    for init, towards, relative, exact, claimed in (
        (
            fan_in,
            "gradient_square_norms",
            backward_fluctuations.backward_relative_variance(widths[1:], first),
            weight_gradients.entry_product(first, last),
            entries(first, last),
        ),
        (
            he_fan_out,
            "square_norms",
            fluctuations.relative_variance(widths[1:]),
            weight_gradients.unit_product(first, last),
            units(first, last),
        ),
    ):
        truth = number(exact)
        test = run.mean(truth, variance=number(relative) * truth**2, error=0.05)
        squares = getattr(run.once(_record, widths, init, 0.0, test.draws), towards) / np.array(widths)
        growth = squares[:, 0] / squares[:, -1] if init is fan_in else squares[:, -1] / squares[:, 0]
        findings.append(test(growth, expected=claimed))
    return all_of(findings)


def _by_layer(record: Record) -> list[Array]:
    """The squared norm of each weight gradient, over those of the input and of the cotangent."""
    norms = record.square_norms[:, 0] * record.gradient_square_norms[:, -1]
    layers = range(len(record.weight_gradients))
    return [record.weight_gradients[f"layer{k}.weight"] / norms for k in layers]


@claim(
    "C12",
    paper=HE,
    where="section 2.2; exact form for the weights derived here",
    states=r"\mathbb E\Bigl\|\frac{\partial C}{\partial W_k}\Bigr\|_F^2=\frac{n_{k-1}}{2n_0}\,"
    r"\mathbb E\|v\|^2\|x_0\|^2",
    derivation=[backward.pullback, weight_gradients.relu],
    mutants=[
        mutant(
            "the mask forgotten",
            "He's 2 pays for the masks below; that of the layer itself halves its gradient.",
            size=lambda widths, k: sp.Rational(widths[k - 1], widths[0]),
        ),
        mutant(
            "the layer's own width",
            "The state that enters has n_{k-1} units, not n_k.",
            size=lambda widths, k: sp.Rational(widths[k], 2 * widths[0]),
        ),
        mutant(
            "the same in every layer",
            "The norms of the states vary with the widths, though a unit's mean square does not.",
            size=lambda widths, k: sp.Rational(1, 2),
        ),
        mutant("fan-out weights", "They keep the norm forwards and change it backwards.", init=he_fan_out),
        mutant("no rectifier", "Linear layers, which no mask halves.", slope=1.0),
    ],
)
def weight_gradients_follow_the_width(
    run: Run,
    *,
    size: Callable[[Sequence[int], int], sp.Expr] = weight_gradients.relu_weight_gradient,
    init: Initialiser = he,
    slope: float = 0.0,
) -> Finding:
    """Under fan-in He the gradient of W_k is as large as its input is wide, and does not depend on the depth.

    Averages over Gaussian weights and a cotangent of random signs at fixed input; the mean is exact at any width for
    any continuous symmetric law. All of three uneven layers. The variance is exact, and the same for all layers.
    """
    widths = (4, 10, 6, 8)
    layers = range(1, len(widths))
    run, tests = run.share(len(layers)), {}
    relative = number(weight_gradients.relu_weight_gradient_relative_variance(widths))
    for k in layers:
        truth = number(weight_gradients.relu_weight_gradient(widths, k))
        tests[k] = run.mean(truth, variance=relative * truth**2, error=0.06)
    samples = _by_layer(run.once(_record, widths, init, slope, max(test.draws for test in tests.values())))
    return all_of(tests[k](sample, expected=size(widths, k)) for k, sample in zip(layers, samples, strict=True))


LAYERS, WIDTH = 4, 4


def _level(g: sp.Expr, layer: int) -> sp.Expr:
    return weight_gradients.linear_weight_gradient(WIDTH, g / WIDTH, LAYERS)


@claim(
    "C13",
    paper=GLOROT,
    where="section 4.2.1, after equation 14",
    states=r"\mathbb E\Bigl\|\frac{\partial C}{\partial W_i}\Bigr\|_F^2=(n\sigma^2)^{d-1}\|x_0\|^2\|v\|^2"
    r"\quad\text{for every }i",
    derivation=[weight_gradients.linear, one_layer.uniform_second],
    mutants=[
        mutant(
            "follows the activations",
            "The state that enters layer i has shrunk i - 1 times; but the cotangent d - i times as well.",
            size=lambda g, i: g ** (i - 1),
        ),
        mutant(
            "follows the errors",
            "The cotangent has shrunk d - i times; but the state i - 1 times as well.",
            size=lambda g, i: g ** (LAYERS - i),
        ),
        mutant(
            "all layers counted",
            "The gradient of a layer does not pass through the layer itself.",
            size=lambda g, i: g**LAYERS,
        ),
        mutant(
            "one, as for variance 1/n",
            "Weights uniform between -1/sqrt n and 1/sqrt n have a third of that variance.",
            size=lambda g, i: sp.Integer(1),
        ),
        mutant("ReLU", "Rectified layers where the claim is made for linear ones.", slope=0.0),
        mutant("LeCun weights", "They keep activations and errors, and the gradients with them.", init=lecun),
    ],
)
def weight_gradients_are_level(
    run: Run,
    *,
    size: Callable[[sp.Expr, int], sp.Expr] = _level,
    init: Initialiser = torch_default,
    slope: float = 1.0,
) -> Finding:
    """In a linear net of constant width every layer's weight gradient has one mean size, however activations vanish.

    Averages over weights at fixed input and cotangent; exact at any width. Four layers of width 4, weights uniform
    between -1/sqrt n and 1/sqrt n: 3^-3 in each. The kurtosis of uniform weights is below 3, so a layer multiplies the
    second moment of a squared norm by at most the 1 + 2/n of Gaussian ones, forwards (rows are independent) and
    backwards (columns are); each gradient has passed d - 1 layers, none of them twice.
    """
    g = plain.layer_factor(WIDTH, one_layer.uniform_variance(1 / sp.sqrt(WIDTH)), slope=1)
    truth, relative = number(_level(g, 1)), (1 + 2 / WIDTH) ** (LAYERS - 1) - 1
    test = run.share(LAYERS).mean(truth, variance=relative * truth**2, error=0.08)
    samples = _by_layer(run.once(_record, (WIDTH,) * (LAYERS + 1), init, slope, test.draws))
    return all_of(test(sample, expected=size(g, i)) for i, sample in enumerate(samples, start=1))
