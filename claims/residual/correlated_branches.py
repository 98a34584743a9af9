"""Does the shortcut force the stream to grow? Only where branches are uncorrelated with it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations import Network, Residual, lecun, measure, residual_mlp
from simulations.layers.losses import EPS
from simulations.layers.scaling import Scale
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.residual import correlated_branches
from theory.residual import fluctuations as residual_fluctuations

WIDTH, HIDDEN, BLOCKS = 4, 6, 2
LEANS = (sp.Rational(-1, 2), sp.Rational(-9, 10), sp.Rational(1, 3))
"""A branch that takes half of its input back, nearly all, and one that adds a third."""
GAIN = sp.Rational(3, 4)
"""Of the centred part: with -1/2 it keeps the mean square."""
Growth = Callable[[sp.Expr, sp.Expr], sp.Expr]


def _ratios(run: Run, lean: float, draws: int) -> Array:
    """Ratios of squared norms of successive states, and of their cotangents, (draws, 2 BLOCKS)."""
    deviation = number(sp.sqrt(GAIN))
    network = residual_mlp(WIDTH, BLOCKS, hidden=HIDDEN, last_layer=lecun.scaled(deviation))
    blocks = [block for block in network.layers if isinstance(block, Residual)]
    leaning = Network(tuple(Residual(Residual(block.branch, Scale(lean))) for block in blocks))
    record = measure(leaning, run.inputs.narrowed(WIDTH), draws=draws, rng=run.rng("blocks"), backward=True)
    states, cotangents = record.square_norms, record.gradient_square_norms
    return np.concatenate([states[:, 1:] / states[:, :-1], cotangents[:, :-1] / cotangents[:, 1:]], axis=1)


@claim(
    "R18",
    paper=FIXUP,
    where="section 2, what the shortcut is said to force; derived here",
    states=r"F(x)=c\,x+G(x),\ \mathbb E\,G=0:\quad \mathbb E\|x+F\|^2=\bigl((1+c)^2+\eta^2\bigr)\|x\|^2;\qquad "
    r"F=-\tfrac x2\ \Rightarrow\ \|x+F\|^2=\tfrac14\|x\|^2",
    derivation=[*correlated_branches.DERIVATIONS, residual_fluctuations.ratio_second_moment],
    mutants=[
        mutant(
            "the shortcut forces growth",
            "1 + E||F||^2 / ||x||^2 leaves out 2 <x, F>, which is 0 only for a branch that is centred.",
            growth=lambda lean, gain: 1 + lean**2 + gain,
        ),
        mutant(
            "amplitudes add",
            "(1 + c + eta)^2: the centred part has no direction, so its square is added and not its size.",
            growth=lambda lean, gain: (1 + lean + sp.sqrt(gain)) ** 2,
        ),
        mutant(
            "the lean counts once",
            "1 + c for (1 + c)^2: the square norm sees the factor of the stream twice.",
            growth=lambda lean, gain: 1 + lean + gain,
        ),
        mutant(
            "a centred branch", "The simulated branch does not lean, so the stream grows by its gain.", leaning=False
        ),
    ],
)
def the_shortcut_alone_forces_nothing(
    run: Run, *, growth: Growth = correlated_branches.block_growth, leaning: bool = True
) -> Finding:
    """A branch that leans against its input keeps or shrinks the stream: growth needs branches uncorrelated with it.

    Averages over Gaussian weights and a cotangent of random signs at fixed input; exact at any width, forwards and
    backwards. Two blocks whose branch takes back half of the stream, nine tenths, or adds a third, beside a centred
    part; and F = -x/2 alone, in every draw to rounding.
    """
    part, findings = run.share(2 * BLOCKS * len(LEANS)), []
    for lean in LEANS:
        kept = 1 + lean
        truth = correlated_branches.block_growth(lean, GAIN)
        second = kept**4 * residual_fluctuations.block_ratio_second_moment(WIDTH, HIDDEN, GAIN / kept**2)
        test = part.mean(truth, variance=second - truth**2, error=0.1, at_most=0.2)
        ratios = run.once(_ratios, float(lean) if leaning else 0.0, test.draws)
        claimed = number(growth(lean, GAIN))
        findings += [test(ratios[:, i], expected=claimed) for i in range(ratios.shape[1])]
    x = run.inputs.narrowed(WIDTH)[:, None, :]
    half = Network((Residual(Scale(-0.5 if leaning else 0.0)),))
    shrunk, whole = (np.square(y).sum(axis=(1, 2)) for y in (half.run({}, x).output, x))
    expected = number(growth(LEANS[0], sp.S.Zero)) * whole
    return all_of([*findings, identity(shrunk, expected, rounding=4 * WIDTH * EPS * whole, chance=False)])
