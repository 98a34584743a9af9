"""A Transformer with tied embeddings begins by naming its input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import sympy as sp

from claims.attention.heads import VASWANI
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations.numbers.arrays import Array
from simulations.transformer.recipes import fixup
from simulations.transformer.stack import transformer
from theory.domain import number
from theory.transformer import tied_readout as theory

WIDTH, TOKENS, POSITIONS = 8, 2, 3


def _logits(run: Run, factor: float, draws: int) -> Array:
    """Logits of token 0 at the last position: its own and that of token 1, (draws, 2). All branches are 0."""
    recipe = replace(fixup(1, 0)[0], embedding=factor)
    network = transformer(WIDTH, 1, recipe, hidden=2, positions=POSITIONS, tokens=TOKENS, tied=True)
    parameters = network.draw(run.rng("weights"), draws)
    numbers: Any = np.zeros((draws, 1, POSITIONS), dtype=np.int64)
    return np.asarray(network.run(parameters, numbers).output[:, -1])


@claim(
    "V15",
    paper=VASWANI,
    where="section 3.4, with the branches of section 3.1 at 0; derived here",
    states=r"z_t\sim\Bigl(\sqrt d,\ 2+\tfrac12\Bigr),\qquad z_{u\ne t}\sim\Bigl(0,\ \tfrac32\Bigr)"
    r"\qquad\text{(mean, variance)}",
    derivation=theory.DERIVATIONS,
    mutants=[
        mutant(
            "all logits alike",
            "An untied last layer knows nothing of the input; the transpose of the embedding does.",
            own=lambda width: sp.S.Zero,
        ),
        mutant(
            "unit variance",
            "Rows of norm 1 against a stream of mean square 3/2 an entry.",
            other=lambda: sp.S.One,
        ),
        mutant(
            "one variance",
            "A token's own logit has the spread of ||E_t||^2 on top.",
            spread=theory.other_spread,
        ),
        mutant(
            "no sqrt d",
            "The simulated embedding is not multiplied by sqrt d: its own logit has mean 1.",
            factor=WIDTH**-0.5,
        ),
    ],
)
def tied_readouts_name_their_input(
    run: Run,
    *,
    own: Callable[[int], sp.Expr] = theory.own_logit,
    spread: Callable[[], sp.Expr] = theory.own_spread,
    other: Callable[[], sp.Expr] = theory.other_spread,
    factor: float = 1.0,
) -> Finding:
    """With tied embeddings and branches that start at 0, a token's own logit begins at sqrt d, all others around 0.

    Averages over the table, entries N(0, 1/d), behind sqrt d and sinusoids; exact at every even width. Variances are
    2 + 1/2 and 3/2. So the net begins by predicting its input, and not with equal chances.
    """
    run = run.share(3)
    variance, fourth = number(theory.own_spread()), number(theory.own_fourth_moment(WIDTH))
    others = number(theory.other_spread())
    mean = run.mean(theory.own_logit(WIDTH), variance=variance, error=0.05, at_most=0.1)
    square = run.mean(variance, variance=fourth - variance**2, error=0.15, at_most=0.2)
    # Given the stream the other logit is normal, with the variance ||x||^2 / d, whose square is 9/4 + 4/d in mean.
    rest = run.mean(others, variance=3 * (others**2 + 4 / WIDTH) - others**2, error=0.15, at_most=0.2)
    found = run.once(_logits, factor, max(mean.draws, square.draws, rest.draws))
    away = (found[:, 0] - number(theory.own_logit(WIDTH))) ** 2
    return all_of(
        [
            mean(found[: mean.draws, 0], expected=number(own(WIDTH))),
            square(away[: square.draws], expected=number(spread())),
            rest(found[: rest.draws, 1] ** 2, expected=number(other())),
        ]
    )
