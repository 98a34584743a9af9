"""Shattered gradients: how the gradients at two inputs decorrelate in depth, with independent masks and real ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.mean_field.angles import ANGLES, WIDTHS, hidden_pairs, turned
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations.experiments.gradient_pairs import Masks, gradient_pairs
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.mean_field import angles
from theory.shattering import masks as shattered
from theory.shattering import two_layers as shattered_width

BALDUZZI = "Balduzzi, Frean, Leary, Lewis, Ma & McWilliams 2017 (shattered gradients)"
LAYERS, NARROW, WIDE = 3, 128, 1 << 14
RIGHT = sp.pi / 2


def _inner_products(run: Run, width: int, layers: int, masks: Masks, draws: int) -> Array:
    """Inner products of the gradients at two orthogonal inputs, over the mean square norm, 1."""
    rng = run.rng("gradients", width)
    rows = run.inputs.narrowed(width)
    rows = rows[rng.permutation(len(rows))[:32]]
    pairs = turned(rows, float(RIGHT))
    first, second = gradient_pairs((width,) * (layers + 1), pairs, draws=draws, rng=rng, masks=masks).swapaxes(0, 1)
    products: Array = np.einsum("di,di->d", first, second)
    return products


@claim(
    "G1",
    paper=BALDUZZI,
    where="theorem 1, plain nets",
    states=r"\frac{\mathbb E\langle g_1,g_2\rangle}{\mathbb E\|g\|^2}=2^{-L},\qquad \mathbb E\|g\|^2=\|v\|^2"
    r"\quad\text{for independent masks}",
    derivation=shattered.DERIVATIONS,
    mutants=[
        mutant(
            "4^-L",
            "1/4 of the units are active at both inputs, but He's weights double what they let through.",
            correlation=lambda layers: sp.Integer(4) ** -layers,
        ),
        mutant(
            "(3/4)^L",
            "The law of residual nets, whose shortcuts no mask decorrelates.",
            correlation=lambda layers: shattered.independent_correlation(layers, 1),
        ),
        mutant(
            "the law of a real wide net",
            "Independent masks do not follow the angle between the inputs; those of a real net do.",
            correlation=lambda layers: sp.Float(angles.gradient_correlations(float(RIGHT), layers)[-1]),
        ),
        mutant("independent of depth", "One layer's factor for all.", correlation=lambda layers: sp.Rational(1, 2)),
        mutant("masks of a real net", "The simulated net has its own masks, which overlap ever more.", masks="own"),
    ],
)
def independent_masks_halve(
    run: Run,
    *,
    correlation: Callable[[int], sp.Expr] = shattered.independent_correlation,
    masks: Masks = "coins",
) -> Finding:
    """If masks were independent coins, every layer would halve the correlation of the gradients at two inputs.

    Averages over Gaussian weights and cotangents and over the coins; exact at any width under that assumption, which
    real nets do not meet. Three layers of width 128; the variance is exact.
    """
    variance = shattered.independent_variance(NARROW, LAYERS)
    test = run.mean(shattered.independent_correlation(LAYERS), variance=variance, error=0.1, at_most=0.1)
    samples = run.once(_inner_products, NARROW, LAYERS, masks, test.draws)
    return test(samples, expected=correlation(LAYERS))


Probability = Callable[[sp.Expr], sp.Expr]


def _product(coactive: Probability) -> float:
    """The correlation after two layers in the wide limit, if units are active at both inputs with `coactive`."""
    return number(4 * coactive(RIGHT) * coactive(sp.acos(angles.next_cosine(RIGHT))))


def paid(known: shattered_width.TwoLayers, error: float) -> float:
    """Return the variance with which the test of an unbiased mean stands a bias b as well.

    That test has the threshold log(2/alpha) + N rate^2 v / 2, to which a bias adds N rate b, and twice that to what
    the power needs; the rate is near error / (2 v). So v + 4 b / rate is enough, and 10 for 8 covers the rounding up
    of the number of draws.
    """
    return known.second_moment / (1 - 10 * known.bias / error)


@claim(
    "G2",
    paper=BALDUZZI,
    where="theorem 1 without the assumption of independent masks; derived here",
    states=r"\frac{\mathbb E\langle g_1,g_2\rangle}{\mathbb E\|g\|^2}\to\prod_{l<L}\Bigl(1-\frac{\theta_l}\pi\Bigr)"
    r"\sim\frac{196.7}{L^3},\qquad P(\text{active at both})=\frac{\pi-\theta_l}{2\pi},\quad"
    r"\cos\theta_{l+1}=\frac{\sin\theta_l+(\pi-\theta_l)\cos\theta_l}\pi,\quad\theta_0=\tfrac\pi2",
    derivation=[*angles.DERIVATIONS, *shattered_width.DERIVATIONS],
    exact=False,
    mutants=[
        mutant(
            "2^-L in a real net",
            "2^-L needs independent masks; the masks of a real net overlap more and more with depth, as the angle "
            "between the hidden states falls.",
            coactive=lambda angle: sp.Rational(1, 4),
        ),
        mutant(
            "the other angle",
            "theta / (2 pi) units are active at the first input alone: the sign of 1/4 + arcsin(c) / (2 pi) lost.",
            coactive=lambda angle: angle / (2 * sp.pi),
        ),
        mutant(
            "linear in the cosine",
            "(1 + c) / 4 is right for equal, orthogonal and opposite inputs only; the angle counts.",
            coactive=lambda angle: (1 + sp.cos(angle)) / 4,
        ),
        mutant(
            "the correlation of the states",
            "c_L, how alike the forward pass makes two inputs; gradients decorrelate all the same.",
            product=lambda coactive: np.cos(angles.next_angle(angles.next_angle(float(RIGHT)))),
        ),
        mutant(
            "the same in every layer",
            "The factor of the second layer for both: the first sees orthogonal inputs.",
            product=lambda coactive: number(2 * coactive(sp.acos(angles.next_cosine(RIGHT)))) ** 2,
        ),
        mutant("two nets", "The units counted are those of another net at the second input.", alike=False),
    ],
)
def real_masks_overlap_more_and_more(
    run: Run,
    *,
    coactive: Probability = angles.coactive,
    product: Callable[[Probability], float] = _product,
    alike: bool = True,
) -> Finding:
    """In a real wide ReLU net gradients at two inputs keep prod (1 - theta_l / pi) of their correlation, not 2^-L.

    Averages over Gaussian weights and cotangents at two fixed orthogonal inputs (real rows, and the same rows turned).
    How many units are active at both is exact at any width: counted at 60, 90 and 120 degrees. The product over layers
    is asymptotic in the width: tested for two layers of width 16384, where bias and spread have derived bounds
    (`theory.shattered_width`). Deeper nets, and the power of L, follow in the wide limit and are not sampled; the
    constant 196.7 is numerical.
    """
    run, known = run.share(1 + len(ANGLES)), shattered_width.two_layers(WIDE)
    variance = paid(known, run.error(0.07, at_most=0.07) * known.limit)
    test = run.mean(known.limit, variance=variance, error=0.07, at_most=0.07)
    findings = [test(run.once(_inner_products, WIDE, 2, "own", test.draws), expected=product(coactive))]
    for angle in ANGLES:
        count = run.count(angles.coactive(angle), error=0.03)
        draws = -(-count.trials // WIDTHS[1])
        states = run.once(hidden_pairs, angle, 0.0, alike, draws)
        both = int(np.count_nonzero(states.min(axis=1) > 0))
        findings.append(count(both, draws * WIDTHS[1], expected=coactive(angle)))
    return all_of(findings)
