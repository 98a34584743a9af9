"""Plain ReLU nets of equal widths: the rate of each common initialiser, and what 30 layers make of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import sympy as sp

from claims.papers import HE
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, binomial_degrees, inequality
from simulations import Initialiser, LeakyReLU, glorot, he, lecun, measure, mlp, one_hot, softmax_loss, torch_default
from simulations.engines.record import Record
from simulations.layers.losses import EPS
from simulations.measure import batches
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import norm
from theory.domain import number
from theory.fluctuations import norms as fluctuations
from theory.layer import one_layer, rectifiers
from theory.plain import norms as plain
from theory.plain.glorot import glorot_variance, he_variance

WIDTH = 4
SCHEMES: Mapping[str, tuple[Initialiser, sp.Expr]] = MappingProxyType(
    {
        "He": (he, he_variance(WIDTH)),
        "LeCun": (lecun, sp.Rational(1, WIDTH)),
        "Xavier": (glorot, glorot_variance(WIDTH, WIDTH)),
        "PyTorch": (torch_default, one_layer.uniform_variance(1 / sp.sqrt(WIDTH))),
    }
)
"""Initialisers and the variance of their entries at equal widths."""


def _plain(run: Run, init: Initialiser, layers: int, slope: float, draws: int) -> Record:
    network = mlp((WIDTH,) * (layers + 1), init=init, activation=LeakyReLU(slope))
    return measure(network, run.inputs.narrowed(WIDTH), draws=draws, rng=run.rng("rates"))


@claim(
    "C2",
    paper=HE,
    where="section 2.2 and figures 2 and 3",
    states=r"\frac{\mathbb E\|x_l\|^2}{\mathbb E\|x_{l-1}\|^2}=1\ \text{(He)},\ \tfrac12\ \text{(LeCun, Xavier)},"
    r"\ \tfrac16\ \text{(PyTorch's default)}",
    derivation=[plain.layer, plain.depth, rectifiers.relu_spread],
    mutants=[
        mutant(
            "Xavier halves the standard deviation",
            "The mean square halves; the standard deviation falls by sqrt 2.",
            claimed={"Xavier": sp.Rational(1, 4)},
        ),
        mutant(
            "Xavier on every layer",
            "Xavier preserves the mean square of linear layers; each ReLU halves it.",
            claimed={"Xavier": sp.Integer(1)},
        ),
        mutant(
            "a third for PyTorch's default",
            "The variance of entries uniform between -1 and 1, without the half that a ReLU takes.",
            claimed={"PyTorch": sp.Rational(1, 3)},
        ),
        mutant(
            "He preserves the variance",
            "It preserves the second moment of activations; ReLU outputs have a mean, so their variance is less.",
            spread=rectifiers.relu_second_moment,
        ),
        mutant("no rectifier", "Linear layers where the claim is made for ReLU.", slope=1.0),
    ],
)
def rates_of_initialisers(
    run: Run,
    *,
    claimed: Mapping[str, sp.Expr] = MappingProxyType({}),
    spread: Callable[[int], sp.Expr] = rectifiers.relu_variance,
    slope: float = 0.0,
) -> Finding:
    """He keeps the mean square, LeCun and Xavier halve it in every layer, PyTorch's default divides it by six.

    Averages over weights, without biases, at fixed input; exact at any equal width (two layers of width 4). The
    variance of an activation is less than its mean square even under He: 1 - 1/pi of it after one layer. A uniform
    entry has smaller moments than a normal one of its variance, so the relative variance of Gaussian weights bounds
    that of all; as |a - b|^4 <= a^4 + b^4 for a, b >= 0, half the squared distance of twins has a second moment of at
    most half the fourth moment of an activation.
    """
    run, findings = run.share(len(SCHEMES) + 1), []
    relative = number(fluctuations.relative_variance([WIDTH, WIDTH]))
    for name, (init, entry_variance) in SCHEMES.items():
        rate = plain.layer_factor(WIDTH, entry_variance)
        truth = number(rate**2)
        test = run.mean(truth, variance=relative * truth**2, error=0.09)
        norms = run.once(_plain, init, 2, slope, test.draws).square_norms
        findings.append(test(norms[:, 2] / norms[:, 0], expected=claimed.get(name, rate) ** 2))
    truth = number(rectifiers.relu_variance(2))
    test = run.mean(truth, variance=(number(rectifiers.relu_fourth_moment(2)) / 2 - truth**2) / WIDTH, error=0.09)
    record = run.once(_plain, he, 1, slope, 2 * test.draws)
    findings.append(test(record.variances[:, 1] / record.square_norms[::2, 0], expected=spread(2)))
    return all_of(findings)


LAYERS, DEEP_WIDTH = 30, 16


def _deep(run: Run, init: Initialiser, draws: int) -> tuple[Array, Array, Array, Array]:
    """Square norms and active units per draw and depth, then losses and ranges of logits of a 30-layer classifier."""
    network = mlp((DEEP_WIDTH,) * (LAYERS + 1), init=init, classes=run.inputs.classes)
    rows, rng = run.inputs.narrowed(DEEP_WIDTH), run.rng("deep")
    rows = rows * (np.sqrt(DEEP_WIDTH) / norm(rows))[:, None]
    parts = []
    for count in batches(network, draws):
        states = network.run(network.draw(rng, count), rows[rng.integers(len(rows), size=count)][:, None]).states
        hidden, logits = np.concatenate(states[:-1], axis=1), states[-1]
        targets = one_hot(rng.integers(run.inputs.classes, size=(count, 1)), run.inputs.classes)
        loss = softmax_loss(logits, targets).loss[:, 0]
        parts.append(((hidden**2).sum(-1), (hidden > 0).sum(-1), loss, np.ptp(logits, axis=-1)[:, 0]))
    square_norms, active, losses, ranges = (np.concatenate(column) for column in zip(*parts, strict=True))
    return square_norms, active, losses, ranges


@claim(
    "C18",
    paper=HE,
    where="section 2.2, figure 3 (30 layers)",
    states=r"\mathbb E\|x_{30}\|^2=2^{-30}\|x_0\|^2\ \text{(Xavier)},\ \|x_0\|^2\ \text{(He)};\qquad"
    r"|\ell-\log c|\le\max_i z_i-\min_i z_i",
    derivation=[plain.layer, plain.depth, fluctuations.relu_logarithm, fluctuations.relu_squared_logarithm],
    mutants=[
        mutant("Xavier keeps its scale", "True of linear layers; every ReLU halves it.", xavier=1.0),
        mutant("the amplitude falls by 2^-30", "The mean square does; the amplitude falls by 2^-15.", xavier=0.25),
        mutant(
            "the loss goes to 0",
            "With the logits gone the prediction is uniform, and the loss of that is log c.",
            limit=lambda classes: 0.0,
        ),
        mutant("LeCun weights for He's", "Without the factor 2 this net collapses as well.", he_init=lecun),
    ],
)
def thirty_layers(
    run: Run,
    *,
    xavier: float = 0.5,
    limit: Callable[[int], float] = np.log,
    he_init: Initialiser = he,
) -> Finding:
    """Thirty layers of Xavier shrink the mean square by 2^-30 and the loss to log c, where He keeps the scale.

    Averages over Gaussian weights at fixed input of unit mean square, labels at random; exact at any width (here 16).
    Given the numbers of active units the ratios of all layers are chi-square: both rates, layer by layer. End to end
    the mean logarithm, given that the net is alive: the mean of ||x_30||^2 itself is carried by rare draws. The loss
    is log c plus the logarithm of a mean of exp(z_i - z_y), so it is off by at most the range of the logits, on every
    sample. That either net trains is not claimed.
    """
    run, findings = run.share(3), []
    law = run.chi_square(binomial_degrees(DEEP_WIDTH), error=0.05)
    growth = LAYERS * number(fluctuations.relu_lyapunov(DEEP_WIDTH) - sp.log(2))
    typical = run.mean(growth, variance=LAYERS * number(fluctuations.relu_log_variance(DEEP_WIDTH)), error=0.05)
    draws = int(1.02 * max(law.draws / LAYERS, typical.draws))
    for init, rate in ((he_init, 1.0), (glorot, xavier)):
        square_norms, active, _, _ = run.once(_deep, init, draws)
        alive = active[:, :-1] > 0
        ratios = square_norms[:, 1:][alive] / square_norms[:, :-1][alive]
        findings.append(law(ratios * DEEP_WIDTH / (2 * rate), active[:, 1:][alive].astype(float)))
    square_norms, active, losses, ranges = run.once(_deep, glorot, draws)
    logs = np.log(square_norms[active[:, -1] > 0, -1] / DEEP_WIDTH)
    findings.append(typical(logs, expected=growth + LAYERS * np.log(2 * xavier)))
    off, classes = np.abs(losses - limit(run.inputs.classes)), run.inputs.classes
    findings.append(inequality(ranges, off, rounding=8 * (classes + 4) * EPS * (1 + np.log(classes) + ranges)))
    return all_of(findings)
