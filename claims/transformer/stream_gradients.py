"""Gradients in streams with norms: one pre-LN block backwards, and the last layer's gradient against depth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from claims.transformer.streams import XIONG, Place, perceptrons_of, real_row
from evidence import Finding, all_of, draws_for_same_law, same_law
from simulations.layers.dense import Gradients
from simulations.layers.normalisation import LayerNorm
from simulations.numbers.arrays import Array
from simulations.weights.undrawn import undrawn
from theory.domain import number
from theory.normalisation import norm_gradients
from theory.transformer import post_ln, stream_gradients

WIDTH, HIDDEN = 10, 12
VARIANCES = (0.5, 2.0)


def _through_block(run: Run, place: Place, variance: float, draws: int) -> Array:
    """Square norms of a cotangent of signs behind one block backwards, over d, (draws,)."""
    row = real_row(run, WIDTH)
    x = np.repeat(row * np.sqrt(variance / row.var()), draws, axis=0)
    network, rng = perceptrons_of(WIDTH, HIDDEN, 1, place), run.rng("block")
    passed = network.run(network.draw(rng, draws), x)
    back = passed.pullbacks[0](rng.choice([-1.0, 1.0], size=x.shape), None)
    squares: Array = np.square(back).mean(axis=(1, 2))
    return squares


@claim(
    "V3",
    paper=XIONG,
    where="section 3.3, gradients of the pre-LN Transformer; one block exactly, derived here",
    states=r"\mathbb E\|v+J^{\mathsf T}F'^{\mathsf T}v\|^2=\Bigl(1+\frac{d-2}{d\operatorname{Var}x}\Bigr)\|v\|^2",
    derivation=[norm_gradients.DERIVATIONS[0], norm_gradients.DERIVATIONS[2], stream_gradients.one_block],
    mutants=[
        mutant(
            "it doubles",
            "The law without norms: the branch's gradient is divided by the stream's deviation.",
            growth=lambda width, variance: sp.Integer(2),
        ),
        mutant(
            "the shortcut alone",
            "The branch adds to the gradient as well, while the stream is small.",
            growth=lambda width, variance: sp.Integer(1),
        ),
        mutant(
            "all directions",
            "LayerNorm loses two of d: the mean and the direction of x.",
            growth=lambda width, variance: 1 + 1 / sp.sympify(variance),
        ),
        mutant(
            "the deviation",
            "A gradient is divided by the deviation, its square by the variance.",
            growth=lambda width, variance: 1 + sp.Rational(width - 2, width) / sp.sqrt(variance),
        ),
        mutant("no norm", "The simulated block has none.", place="none"),
        mutant("the norm behind", "The simulated block is post-LN.", place="post"),
    ],
)
def pre_ln_blocks_add_less_to_large_streams(
    run: Run, *, growth: Callable[[int, float], sp.Expr] = stream_gradients.block_growth, place: Place = "pre"
) -> Finding:
    """Backwards a pre-LN block adds (d - 2)/(d Var x) of the squared gradient: less, the larger the stream is.

    Averages over Gaussian weights (He, then LeCun) at a real row scaled to variances over features of 1/2 and 2, and
    random signs for a cotangent; exact at every width, epsilon 0, for one block, whose cotangent must not depend on its
    weights. Width 10; the variance is bounded.
    """
    run, findings = run.share(2), []
    for variance in VARIANCES:
        # v + Jh: v.Jh is odd in the last layer, with E (v.Jh)^2 <= |v|^4 / (d Var); E |h|^4 = (1 + 2/d)(1 + 5/h) |v|^4.
        bound = 4 / (WIDTH * variance) + (1 + 2 / WIDTH) * (1 + 5 / HIDDEN) / variance**2
        truth = number(stream_gradients.block_growth(WIDTH, variance))
        test = run.mean(truth, variance=bound, error=0.045, at_most=0.045)
        findings.append(test(run.once(_through_block, place, variance, test.draws), expected=growth(WIDTH, variance)))
    return all_of(findings)


def _last_gradient(
    run: Run, place: Place, blocks: int, final: bool, where: str, offset: float, side: str, draws: int
) -> Array:
    """Squared gradients of one block's last layer, for normal inputs and cotangents at the output, (draws,).

    The inputs of streams that are not pre-LN have been through a LayerNorm, and are moved by `offset`.
    """
    network, rng = perceptrons_of(WIDTH, HIDDEN, blocks, place), run.rng("last", side, blocks)
    x = rng.standard_normal((draws, 1, WIDTH))
    if place != "pre":
        x = LayerNorm("start", WIDTH, 0.0).forward({}, x)[0] + offset
    cotangent = rng.standard_normal(x.shape)
    passed, into = network.run(network.draw(rng, draws, undrawn()), x), Gradients()
    pullbacks = passed.pullbacks if final or place != "pre" else passed.pullbacks[:-1]
    block = blocks - 1 if where == "top" else 0
    for position in range(len(pullbacks) - 1, block - 1, -1):
        cotangent = pullbacks[position](cotangent, into)
    return into[f"block{block}.layer1.weight"].square_norm


Last = Callable[[int, int, int], float | sp.Expr]
DEPTHS = (1, 3, 8)


@claim(
    "V5",
    paper=XIONG,
    where="theorem 1, pre-LN: the gradient of the last W_2; exact form derived here",
    states=r"\mathbb E\Bigl\|\frac{\partial C}{\partial W_2}\Bigr\|^2=h\,\frac{d(d-2)}{d-3}\,\mathbb E\frac{r}{V_0+S_L}"
    r"\le\frac{h\,d(d-2)}{(d-3)(V_0+L)},\qquad S_L=\textstyle\sum_{l\le L}r_l,\ r=\frac2h\sum_j\mathrm{relu}(z_j)^2",
    derivation=[*stream_gradients.DERIVATIONS[1:], norm_gradients.inverse_chi_square],
    mutants=[
        mutant(
            "the same at every depth",
            "The law of post-LN: here the last norm divides by the deviation of the whole stream.",
            last=lambda width, hidden, blocks: stream_gradients.last_gradient(width, hidden, 1),
        ),
        mutant(
            "1 / sqrt L for the square",
            "The bound of the norm taken for that of its square.",
            last=lambda width, hidden, blocks: (
                stream_gradients.last_gradient(width, hidden, 1) * np.sqrt(2 / (1 + blocks))
            ),
        ),
        mutant(
            "1 / L",
            "The stream's own variance left out: right for deep nets, off by half at one block.",
            last=lambda width, hidden, blocks: (
                stream_gradients.last_gradient(width, hidden, blocks) * (1 + blocks) / blocks
            ),
        ),
        mutant(
            "exponential",
            "Each block said to halve it: blocks add to the stream, they do not multiply it.",
            last=lambda width, hidden, blocks: stream_gradients.last_gradient(width, hidden, 1) * 2.0 ** (1 - blocks),
        ),
        mutant("norms behind", "The simulated stream is post-LN.", place="post"),
        mutant("no last norm", "The simulated stream ends without one: nothing divides.", final=False),
    ],
)
def last_gradient_of_pre_ln_falls_with_depth(
    run: Run,
    *,
    last: Last = stream_gradients.last_gradient,
    place: Place = "pre",
    final: bool = True,
) -> Finding:
    """In a pre-LN stream with a norm at its end, the last layer's squared gradient falls with depth like 1/(V_0 + L).

    Averages over Gaussian weights, normal inputs of variance V_0 = 1 and normal cotangents at the output, independent
    of the weights; exact at every width and depth by one quadrature, at most the stated bound and near it (1 % at width
    10 and 8 blocks). Perceptrons of width 10, at one, three and eight blocks; variances exact.
    """
    run, findings = run.share(len(DEPTHS)), []
    for blocks in DEPTHS:
        truth = stream_gradients.last_gradient(WIDTH, HIDDEN, blocks)
        # E chi^2_{d-2}^2 E (d/chi^2_{d-1})^2, times that of h r / (V_0 + S)
        second = (WIDTH - 2) * WIDTH**3 / ((WIDTH - 3) * (WIDTH - 5)) * HIDDEN**2
        second *= stream_gradients.share_moment(HIDDEN, blocks, 1.0, 2)
        test = run.mean(truth, variance=second - truth**2, error=0.08, at_most=0.1)
        seen = run.once(_last_gradient, place, blocks, final, "top", 0.0, "one", test.draws)
        findings.append(test(seen, expected=last(WIDTH, HIDDEN, blocks)))
    return all_of(findings)


@claim(
    "V6",
    paper=XIONG,
    where="theorem 1, post-LN: the gradient of the last W_2; the law's independence of depth derived here",
    states=r"\Bigl\|\frac{\partial C}{\partial W_2^{(L)}}\Bigr\|\ \text{has one law for all }L:\quad x_{l}=\mathrm{LN}"
    r"(x_{l-1}+F),\ F\mid\text{past}\sim N(0,rI),\ \|x_{l-1}\|^2=d",
    derivation=[norm_gradients.DERIVATIONS[4], stream_gradients.transform, *post_ln.DERIVATIONS],
    mutants=[
        mutant("norms before", "The simulated stream is pre-LN, whose last norm sees all blocks.", place="pre"),
        mutant("no norms", "The simulated stream has none and doubles.", place="none"),
        mutant(
            "every layer",
            "The first block's gradient said to have this law too: it has come through the blocks above.",
            where="first",
        ),
        mutant(
            "from any start",
            "The input has a mean, which no norm has taken away: the first branch is larger than all later ones.",
            offset=3.0,
        ),
    ],
)
def last_gradient_of_post_ln_is_the_same_at_every_depth(
    run: Run, *, place: Place = "post", where: str = "top", offset: float = 0.0
) -> Finding:
    """In a post-LN stream the last layer's gradient has the same law at every depth, one block or six.

    Over Gaussian weights, inputs on LayerNorm's sphere and normal cotangents at the output, independent of the weights;
    exact at every width: each block begins on that sphere and adds a vector that is normal with a size of its own, and
    how a norm passes isotropic cotangents back depends on the norm before it alone. Widths 10 and 12.
    """
    error = run.error(0.06, 0.08)
    draws = draws_for_same_law(1, error=error, alpha=run.alpha)
    sides = [
        {"gradient": run.once(_last_gradient, place, blocks, True, where, offset, f"{blocks}", draws)}
        for blocks in (1, 6)
    ]
    return same_law(*sides, error=error, alpha=run.alpha)
