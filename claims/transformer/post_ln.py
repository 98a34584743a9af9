"""One post-LN block backwards: what the norm takes from a gradient, and what shortcut and branch give."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from claims.transformer.streams import XIONG, perceptrons_of
from evidence import Finding, all_of
from simulations.layers.normalisation import LayerNorm
from simulations.numbers.arrays import Array
from simulations.weights.undrawn import undrawn
from theory.domain import number
from theory.transformer import post_ln, random_walk

WIDTH = HIDDEN = 96


def _behind(run: Run, norm: bool, skip: bool, draws: int) -> tuple[Array, Array]:
    """Variances before the norm, and square norms of a normal cotangent behind the block, each (draws,)."""
    rng, layer = run.rng("block"), LayerNorm("norm", WIDTH, 0.0)
    x, _ = layer.forward({}, rng.standard_normal((draws, 1, WIDTH)))
    network = perceptrons_of(WIDTH, HIDDEN, 1, "none")
    passed = network.run(network.draw(rng, draws, undrawn()), x)
    cotangent = rng.standard_normal(x.shape)
    if norm:
        cotangent = layer.forward({}, passed.output)[1](cotangent, None)
    back = passed.pullbacks[0](cotangent, None) - (0 if skip else cotangent)
    return passed.output.var(axis=(1, 2)), np.square(back).sum(axis=(1, 2))


@claim(
    "V7",
    paper=XIONG,
    where="appendix, gradients of lower layers in post-LN: (2/3)^((L - l)/2) in norm (place not checked with the text)",
    states=r"(d-2)\Bigl[1+\bigl(1-\tfrac1d\bigr)\bigl(1-\tfrac2h\bigr)\Bigr]-1\le\mathbb E\operatorname{Var}(x+F)\,"
    r"\|v'\|^2\le2(d-1),\qquad\mathbb E\operatorname{Var}(x+F)=2-\tfrac1d,\qquad\mathbb E\,vv^{\mathsf T}=I",
    derivation=[post_ln.mean_length, post_ln.backwards, random_walk.over_sizes],
    exact=False,
    mutants=[
        mutant(
            "the norm alone",
            "d, so that each block halves squared gradients: the shortcut passes them on and the branch adds as much.",
            backwards=lambda width: sp.Integer(width),
        ),
        mutant(
            "half a branch",
            "3/2 and 2/3 by turns: the branch without He's factor taken for this one.",
            backwards=lambda width: sp.Rational(3, 2) * width,
        ),
        mutant(
            "nothing to divide by",
            "The branch forgotten before the norm: x alone has the variance 1.",
            variance=lambda width: sp.Integer(1),
        ),
        mutant("no norm", "The simulated block has none, and its gradient doubles undivided.", norm=False),
        mutant("no shortcut", "The simulated way back is that of the branch alone.", skip=False),
    ],
)
def post_ln_blocks_keep_gradients(
    run: Run,
    *,
    backwards: Callable[[int], sp.Expr] = post_ln.block_backwards,
    variance: Callable[[int], sp.Expr] = post_ln.mean_square_before_norm,
    norm: bool = True,
    skip: bool = True,
) -> Finding:
    """A wide post-LN block of a perceptron passes squared gradients on: it doubles them, and its norm halves them.

    Averages over Gaussian weights (He, then LeCun), inputs on LayerNorm's sphere and normal cotangents at the output,
    independent of the weights. The variance before the norm is exact at every width; the squared gradient times that
    variance is at most 2(d - 1), for a cotangent of square d, and at least 3 % less at the 96 features and units here,
    while 12 % would be seen. One block: in a stack the cotangent depends on the weights above. Attention over many
    tokens is another matter, which is not looked at here.
    """
    run = run.share(2)
    truth = number(post_ln.block_backwards(WIDTH))
    # |v'|^2 Var <= |(I + F'^T) Q v|^2; with E |v + h|^4 = 3 + 4/d + (1 + 2/d)(1 + 5/h) at |v| = 1 and normal v
    fourth = 3 * WIDTH**2 * (3 + 4 / WIDTH + (1 + 2 / WIDTH) * (1 + 5 / HIDDEN))
    gradients = run.mean(truth, variance=fourth - 3 * WIDTH**2, error=0.12, at_most=0.12)
    spread = random_walk.norm_variance(WIDTH, WIDTH - 1, 1, 5 / HIDDEN) / WIDTH**2
    known = run.mean(post_ln.mean_square_before_norm(WIDTH), variance=spread, error=0.04, at_most=0.06)
    variances, squares = run.once(_behind, norm, skip, max(gradients.draws, known.draws))
    return all_of(
        [
            gradients((variances * squares)[: gradients.draws], expected=backwards(WIDTH)),
            known(variances[: known.draws], expected=variance(WIDTH)),
        ]
    )
