"""Queries and keys that are normalised first: logits that are bounded, and whose law no weight and no token moves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.normalisation.shares import Law, ShareTest, normal
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity, inequality
from simulations import Dense, lecun
from simulations.attention.attend import products
from simulations.attention.softmax import softmax
from simulations.layers.losses import EPS
from simulations.layers.normalisation import LayerNorm
from simulations.layers.row_norms import RMSNorm
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.normalisation import layer_norm, query_key_norm

PAPER = "Henry, Dachapally, Pawar & Chen 2020 (Query-Key Normalization); Dehghani et al. 2023 (ViT-22B)"
WIDTH, HEAD, GAIN = 6, 4, 1.5
Kinds = tuple[type[LayerNorm], type[LayerNorm]]
Kind = type[LayerNorm]


def _logits(run: Run, kind: Kind, keys_too: bool, tied: bool, draws: int) -> Array:
    """Logits of a real token for itself and for its opposite, or, untied, for two others, (draws, 2)."""
    rows, rng = run.inputs.nonzero()[:, :WIDTH], run.rng("logits", kind.__name__)
    rows = rows[rows.any(axis=1)]
    x, *others = (rows[rng.integers(len(rows), size=draws)][:, None] for _ in range(3))
    keys = np.concatenate([x, -x] if tied else others, axis=1)
    weights = [Dense(name, WIDTH, HEAD, lecun) for name in ("query", "key")]
    drawn = weights[0].draw(rng, draws) | weights[1].draw(rng, draws)
    if tied:
        drawn["key.weight"] = drawn["query.weight"]
    norm = kind("norm", HEAD, 0.0, GAIN)
    gains = norm.draw(rng, draws)
    q, k = (one.forward(drawn, tokens)[0] for one, tokens in zip(weights, (x, keys), strict=True))
    q, k = norm.forward(gains, q)[0], norm.forward(gains, k)[0] if keys_too else k
    logits, _ = products(q[:, None, None], k[:, None, None], HEAD**-0.5)
    return logits[:, 0, 0, 0]


@claim(
    "L6",
    paper=PAPER,
    where="the normalisation; bound and law of the logits derived here",
    states=r"|l|\le g^2\sqrt{d_k},\qquad a_j\le\frac1{1+(T-1)e^{-2g^2\sqrt{d_k}}},\qquad \frac{l^2}{g^4d_k}\sim"
    r"\mathrm{Beta}\bigl(\tfrac12,\tfrac{n-1}2\bigr),\quad\mathbb E\,l^2=\frac{g^4d_k}n,\ n=d_k\text{ (RMSNorm)},\ "
    r"d_k-1\text{ (LayerNorm)}",
    derivation=[*query_key_norm.DERIVATIONS, layer_norm.share],
    mutants=[
        mutant(
            "g^2",
            "The bound of unit vectors: RMSNorm leaves vectors of length sqrt(d_k).",
            largest=lambda head, gain: sp.sympify(gain) ** 2,
        ),
        mutant(
            "g^2 d_k",
            "Without the division by sqrt(d_k): a bound, but none that is reached.",
            largest=lambda head, gain: sp.sympify(gain) ** 2 * head,
        ),
        mutant("normal logits", "The limit of wide heads; these are bounded.", told=normal),
        mutant(
            "one law for both norms",
            "LayerNorm leaves queries and keys a direction less, and logits larger by d_k / (d_k - 1).",
            free=lambda width, takes_mean: width,
        ),
        mutant(
            "variance 1",
            "d_k / d_k, with the gains forgotten: g multiplies q and k.",
            square=lambda head, takes_mean, gain: query_key_norm.logit_mean_square(head, takes_mean, 1),
        ),
        mutant("queries alone", "The simulated keys are not normalised: logits grow with them.", keys_too=False),
        mutant("W_Q = W_K", "The simulated head has one matrix for both: logits are not centred.", tied=True),
    ],
)
def normalised_queries_and_keys_bound_logits(
    run: Run,
    *,
    largest: Callable[[int, float], sp.Expr] = query_key_norm.largest_logit,
    told: Law = layer_norm.share_cdf,
    free: Callable[[int, bool], sp.Expr] = layer_norm.free_directions,
    square: Callable[[int, bool, float], sp.Expr] = query_key_norm.logit_mean_square,
    keys_too: bool = True,
    tied: bool = False,
) -> Finding:
    """With QK-norm no logit exceeds g^2 sqrt(d_k), and at Gaussian starts its law is that of a cosine, at any scale.

    The bounds hold for every draw and are reached where q = k (here by one matrix for both, and a key that is the
    opposite, which gives the largest weight of two). Law and mean square are over independent Gaussian W_Q and W_K at
    fixed real tokens; exact at every width of tokens and head, gain 1.5, epsilon 0.
    """
    run, findings = run.share(4), []
    for kind, mean in ((RMSNorm, False), (LayerNorm, True)):
        scale = GAIN**4 * HEAD
        law = ShareTest(run, int(layer_norm.free_directions(HEAD, mean)), 0.1, 0.12)
        truth = number(query_key_norm.logit_mean_square(HEAD, mean, GAIN))
        # a share of n has the mean square 3 / (n (n + 2))
        size = run.mean(truth, variance=truth**2 * 2 * (law.free - 1) / (law.free + 2), error=0.05)
        logits = run.once(_logits, kind, keys_too, tied, max(law.draws, size.draws))
        findings.append(law(logits[: law.draws, 0] ** 2 / scale, told, int(free(HEAD, mean))))
        findings.append(size(logits[: size.draws, 0] ** 2, expected=square(HEAD, mean, GAIN)))
        ends, bound = run.once(_logits, kind, keys_too, True, 100), number(largest(HEAD, GAIN))
        rounding = 64 * HEAD * EPS * scale
        findings.append(inequality(bound, np.abs(logits), rounding=rounding))
        findings.append(identity(ends, np.array([bound, -bound]), rounding=rounding))
        weight = number(query_key_norm.largest_attention(2, HEAD, GAIN))
        findings.append(identity(softmax(ends, None)[0][:, 0], weight, rounding=rounding))
    return all_of(findings)
