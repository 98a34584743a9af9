"""What Glorot's compromise costs where the fans differ, and the heuristic that it replaced."""

from __future__ import annotations

import math
from collections.abc import Callable

import sympy as sp

from claims.papers import GLOROT
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Initialiser, LeakyReLU, glorot, measure, mlp, torch_default, uniform
from simulations.engines.record import Record
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.fluctuations import norms as fluctuations
from theory.plain import compromise
from theory.plain import norms as plain
from theory.plain.glorot import glorot_variance, harmonic_mean_of_fans_variance

NARROW, WIDE = 4, 12

Gain = Callable[[int, int], sp.Expr]


def _there_and_back(run: Run, init: Initialiser, draws: int) -> Record:
    """Two linear layers, narrow -> wide -> narrow, forwards and backwards."""
    network = mlp([NARROW, WIDE, NARROW], init=init, activation=None)
    return measure(network, run.inputs.narrowed(NARROW), draws=draws, rng=run.rng("cycle"), backward=True)


def _geometric(fan_in: int, fan_out: int) -> float:
    return 1 / math.sqrt(fan_in * fan_out)


def _mean_of_variances(width: int, other: int) -> sp.Expr:
    return width * other * harmonic_mean_of_fans_variance(width, other) ** 2


@claim(
    "X3",
    paper=GLOROT,
    where="section 4.2.1, equation 12; cost derived here",
    states=r"f=\frac{2}{1+r},\quad b=\frac{2r}{1+r},\quad f+b=2,\quad fb=\frac{4r}{(1+r)^2}\le1,\qquad "
    r"r=\frac{n_{\mathrm{out}}}{n_{\mathrm{in}}}",
    derivation=[
        compromise.forward_gain,
        compromise.backward_gain,
        compromise.gain_sum,
        compromise.gain_product,
        compromise.cycle,
    ],
    mutants=[
        mutant(
            "Xavier preserves both",
            "It preserves both directions only where the fans are equal; elsewhere one shrinks and the other grows.",
            forward=lambda fan_in, fan_out: sp.Integer(1),
            backward=lambda fan_in, fan_out: sp.Integer(1),
            cycle=lambda width, other: sp.Integer(1),
        ),
        mutant(
            "what one layer loses the next regains",
            "Gains f and b add to 2 but multiply to less than 1: a net of alternating widths decays both ways.",
            cycle=lambda width, other: (compromise.forward(width, other) + compromise.backward(width, other)) / 2,
        ),
        mutant(
            "the harmonic mean of the fans",
            "One over the harmonic mean of the fans is the arithmetic mean of the target variances: a cycle grows.",
            cycle=_mean_of_variances,
        ),
        mutant(
            "the geometric mean drawn",
            "Weights of variance 1 / sqrt(n_in n_out) have gains that multiply to 1, but they are not Glorot's.",
            init=Initialiser(_geometric),
        ),
    ],
)
def compromise_decays_at_alternating_widths(
    run: Run,
    *,
    forward: Gain = compromise.forward,
    backward: Gain = compromise.backward,
    cycle: Gain = compromise.cycle_gain,
    init: Initialiser = glorot,
) -> Finding:
    """Where the fans differ Xavier's two gains add to 2 but multiply to less than 1, so alternating widths decay.

    Averages over Gaussian weights at fixed input and a cotangent of random signs; exact at finite width. Linear layers
    4 -> 12 -> 4: the gains of one layer by their chi-square laws, those of the cycle (3/4 both ways) by their means.
    """
    run, truth = run.share(4), number(compromise.cycle_gain(NARROW, WIDE))
    relative = (1 + 2 / NARROW) * (1 + 2 / WIDE) - 1  # chi-square with NARROW degrees of freedom, and with WIDE
    whole = run.mean(truth, variance=relative * truth**2, error=0.04)
    to_wide, to_narrow = (run.chi_square(width, error=0.04) for width in (WIDE, NARROW))
    record = run.once(_there_and_back, init, max(test.draws for test in (whole, to_wide, to_narrow)))
    ahead = record.square_norms / NARROW
    back = record.gradient_square_norms / NARROW
    # The first layer leads from NARROW to WIDE; the mean square of WIDE entries is a third of their sum over NARROW.
    share = NARROW / WIDE
    one_ahead, one_back = share * ahead[:, 1] / ahead[:, 0], back[:, 0] / (share * back[:, 1])
    return all_of(
        [
            to_wide(one_ahead * WIDE / number(forward(NARROW, WIDE))),
            to_narrow(one_back * NARROW / number(backward(NARROW, WIDE))),
            whole(ahead[:, 2] / ahead[:, 0], expected=cycle(NARROW, WIDE)),
            whole(back[:, 0] / back[:, 2], expected=cycle(NARROW, WIDE)),
        ]
    )


def _two_layers(run: Run, width: int, init: Initialiser, slope: float, draws: int) -> Array:
    """The squared norm behind two layers over that before them, (draws,)."""
    network = mlp([width] * 3, init=init, activation=LeakyReLU(slope))
    norms = measure(network, run.inputs.narrowed(width), draws=draws, rng=run.rng("layers")).square_norms
    ratios: Array = norms[:, -1] / norms[:, 0]
    return ratios


def _normalised_factor(slope: float) -> sp.Expr:
    """Return the factor of a layer of equal fans under Glorot's variance."""
    return plain.layer_factor(1, glorot_variance(1, 1), slope)


@claim(
    "X4",
    paper=GLOROT,
    where="section 2.3, equation 1, against equation 16",
    states=r"w\sim U(\pm n^{-1/2}):\ \frac{\mathbb E\|x_L\|^2}{\|x_0\|^2}=3^{-L}\ \text{(linear)},\ 6^{-L}\ "
    r"\text{(ReLU)};\qquad \text{Xavier: } 1,\ 2^{-L}",
    derivation=[compromise.old_heuristic, plain.layer],
    mutants=[
        mutant(
            "the bound is the deviation",
            "1/sqrt n is the bound of the uniform law; as its standard deviation it would preserve the mean square.",
            old=lambda slope: plain.layer_factor(1, 1, slope),
        ),
        mutant(
            "it halves, like Xavier behind a ReLU",
            "The uniform law's third comes on top of the rectifier's half.",
            old=lambda slope: sp.Rational(1, 2),
        ),
        mutant(
            "amplitudes for mean squares",
            "1/sqrt 3 a layer is the decay of the root mean square.",
            old=lambda slope: sp.sqrt(compromise.old_heuristic_factor(slope)),
        ),
        mutant(
            "use Xavier on every layer",
            "It was derived for a linear layer: behind a ReLU the mean square halves in every layer.",
            normalised=lambda slope: sp.Integer(1),
        ),
        mutant("Xavier drawn", "The simulated weights have the bound sqrt(3 / n).", init=glorot.with_law(uniform)),
    ],
)
def old_heuristic_decays(
    run: Run,
    *,
    old: Callable[[float], sp.Expr] = compromise.old_heuristic_factor,
    normalised: Callable[[float], sp.Expr] = _normalised_factor,
    init: Initialiser = torch_default,
) -> Finding:
    """Weights uniform within 1/sqrt(n) keep a third of the mean square a layer, behind ReLU a sixth; Xavier a half.

    Averages over weights at fixed input; exact at every width. Two layers of width 6, uniform weights; their kurtosis
    is below 3, so the test's variance, that of Gaussian weights, bounds theirs.
    """
    width, run, findings = 6, run.share(3), []
    for drawn, slope, claimed, true_factor in (
        (init, 1.0, old, compromise.old_heuristic_factor(1)),
        (init, 0.0, old, compromise.old_heuristic_factor(0)),
        (glorot.with_law(uniform), 0.0, normalised, _normalised_factor(0)),
    ):
        layer = sp.Rational(2, width) if slope else fluctuations.relative_variance([width])
        truth, relative = number(true_factor**2), number((1 + layer) ** 2 - 1)
        test = run.mean(truth, variance=relative * truth**2, error=0.04)
        growth = run.once(_two_layers, width, drawn, slope, test.draws)
        findings.append(test(growth, expected=number(claimed(slope)) ** 2))
    return all_of(findings)
