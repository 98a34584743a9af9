"""Keys that heads share: what it does to logits at initialisation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.attention.heads import tokens
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import lecun
from simulations.attention.attend import products, split
from simulations.attention.layer import Attention, Projections
from simulations.numbers.arrays import Array
from theory.attention import logits
from theory.domain import number
from theory.transformer import shared_keys as theory

AINSLIE = "Ainslie et al. 2023 (grouped-query attention)"
WIDTH, HEAD = 4, 2


def _logits(run: Run, draws: int) -> Array:
    """Logits of two heads for one pair of real tokens, over the root of their mean square: (2, draws)."""
    layer = Attention("head", WIDTH, 2, 2, init=Projections(lecun, lecun), key_heads=1, head_width=HEAD)
    x = tokens(run, "pair", draws, 2, WIDTH)
    parameters = layer.draw(run.rng("weights"), draws)
    queries, keys = (part.forward(parameters, x)[0] for part in layer.parts[:2])
    found = products(split(queries, 1, 2), split(keys, 1, 1))[0][:, 0, :, 0, 1]
    size = number(logits.mean_square(HEAD, 1 / WIDTH, 1 / WIDTH, 1, 1)) * np.square(x).sum(axis=2).prod(axis=1)
    return np.asarray((found / np.sqrt(size)[:, None]).T)


@claim(
    "V20",
    paper=AINSLIE,
    where="section 2.2, beside Shazeer 2019 (multi-query attention); derived here",
    states=r"\mathbb E\,l^2=d_k\sigma_q^2\sigma_k^2\|x\|^2\|y\|^2,\quad\mathbb E\,l\,l'=0,\qquad"
    r"\frac{\mathbb E\,l^2l'^2}{\mathbb E\,l^2\;\mathbb E\,l'^2}=1+\frac2{d_k}",
    derivation=theory.DERIVATIONS,
    mutants=[
        mutant(
            "sharing changes nothing",
            "Logits do not covary, but they are not independent: their sizes hang on the one key.",
            ratio=lambda head: sp.S.One,
        ),
        mutant(
            "as one head's kurtosis",
            "E l^4 has the query's fourth moment as well: 3 (1 + 2/d_k).",
            ratio=lambda head: 3 * theory.ratio_of_squares(head),
        ),
        mutant(
            "a key for two is twice as large",
            "Two heads share the gradient of a key, not its variance: logits are as large as before.",
            size=2.0,
        ),
    ],
)
def shared_keys_tie_the_sizes_of_logits(
    run: Run,
    *,
    ratio: Callable[[int], sp.Expr] = theory.ratio_of_squares,
    size: float = 1.0,
) -> Finding:
    """Heads that share keys have logits as large as before and uncorrelated, but of one size: squares covary by 2/d_k.

    Averages over Gaussian weights at given tokens; exact at every width. So heads of a group are sharp together.
    """
    run, truth = run.share(3), number(theory.ratio_of_squares(HEAD))
    # The square of l^2 l'^2 has (E z^4)^2 from two queries, and E ||k||^8 over (E ||k||^2)^4.
    eighth = np.prod([1 + 2 * i / HEAD for i in range(4)])
    square = run.mean(1, variance=number(logits.logit_kurtosis(HEAD, 3, 3)) - 1, error=0.15, at_most=0.25)
    product = run.mean(0, variance=truth, error=0.1, unit=1.0)
    squares = run.mean(truth, variance=9 * float(eighth) - truth**2, error=0.25, at_most=0.25)
    first, second = run.once(_logits, max(square.draws, product.draws, squares.draws))
    return all_of(
        [
            square(first[: square.draws] ** 2, expected=size),
            product((first * second)[: product.draws]),
            squares((first * second)[: squares.draws] ** 2, expected=number(ratio(HEAD))),
        ]
    )
