"""What a head and a perceptron make of tokens at first, with the initialisers that PyTorch ships."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.attention.heads import VASWANI, tokens
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Initialiser, glorot, torch_default, uniform
from simulations.attention.attend import products, split
from simulations.layers.dense import Dense, Parameters
from simulations.layers.network import Sequential
from simulations.networks.blocks import RELU
from simulations.numbers.arrays import Array
from theory.attention import logits as logits_theory
from theory.domain import number
from theory.transformer import starts as theory

WIDTH, OTHER, HEADS, HIDDEN = 6, 12, 2, 24
BOUNDED = glorot.with_law(uniform)
"""Glorot's variance with uniform entries, as PyTorch draws them."""


def _scaled(run: Run, name: str, draws: int, width: int) -> Array:
    """Real tokens (draws, 1, width) whose square norm is their width."""
    x = tokens(run, name, draws, 1, width)
    x *= width**0.5 / np.linalg.norm(x, axis=2, keepdims=True)
    return x


def _logits(run: Run, fused: bool, law: Initialiser, draws: int) -> Array:
    """Logits q.k / sqrt(d_k) of the first head, of a token of width 6 with one of width 6 or, apart, 12: (draws,)."""
    rng, x = run.rng("heads", str(fused)), _scaled(run, "queries", draws, WIDTH)
    if fused:
        y = _scaled(run, "keys", draws, WIDTH)
        whole = Dense("qkv", WIDTH, 3 * WIDTH, law)
        parameters = whole.draw(rng, draws)
        queries = whole.forward(parameters, x)[0][..., :WIDTH]
        keys = whole.forward(parameters, y)[0][..., WIDTH : 2 * WIDTH]
    else:
        y = _scaled(run, "keys apart", draws, OTHER)
        query, key = Dense("q", WIDTH, WIDTH, law), Dense("k", OTHER, WIDTH, law)
        parameters = query.draw(rng, draws) | key.draw(rng, draws)
        queries, keys = query.forward(parameters, x)[0], key.forward(parameters, y)[0]
    scale = (WIDTH / HEADS) ** -0.5
    return products(split(queries, 1, HEADS), split(keys, 1, HEADS), scale)[0][:, 0, 0, 0, 0]


@claim(
    "V12",
    paper=VASWANI,
    where="section 3.2.2, as torch.nn.MultiheadAttention starts it; derived here",
    states=r"W_{QKV}\in\mathbb R^{d\times3d}:\ \sigma^2=\frac{2}{d+3d}=\frac1{2d}\ \Longrightarrow\ "
    r"\mathbb E\Bigl(\frac{q^{\mathsf T}k}{\sqrt{d_k}}\Bigr)^2=\frac14;\qquad\text{apart: }\frac{2d'}{d+d'}",
    derivation=[theory.fused, theory.fused_logit, theory.separate_logit],
    mutants=[
        mutant(
            "a square matrix",
            "1/d is Glorot's variance of d x d; the matrix that is drawn is d x 3d.",
            fused=lambda: sp.S.One,
        ),
        mutant(
            "two over the width drawn",
            "2/(3d) leaves the fan in out of the sum of fans.",
            fused=lambda: sp.Rational(4, 9),
        ),
        mutant(
            "one rule for both",
            "With a width of keys of their own the matrices are drawn one by one, and logits are larger.",
            apart=lambda width, other: theory.logit_square(),
        ),
        mutant("He's weights", "The simulated entries have the variance 2/d.", law=Initialiser(lambda i, o: 2 / i)),
    ],
)
def fused_projections_start_small(
    run: Run,
    *,
    fused: Callable[[], sp.Expr] = theory.logit_square,
    apart: Callable[[int, int], sp.Expr] = theory.logit_square_apart,
    law: Initialiser = BOUNDED,
) -> Finding:
    """In PyTorch's attention logits start with mean square 1/4, as Glorot's fans are those of one matrix for q, k, v.

    For tokens whose square norm is their width; averages over weights, exact at every width and number of heads. With
    keys of another width d' matrices are drawn one by one and it is 2 d' / (d + d'). Uniform entries; the variance of
    the test is that of Gaussian ones, a bound.
    """
    run, findings = run.share(2), []
    head = WIDTH // HEADS
    spread = number(logits_theory.logit_kurtosis(head, 3, 3)) - 1
    for together, told, truth in (
        (True, fused(), theory.logit_square()),
        (False, apart(WIDTH, OTHER), theory.logit_square_apart(WIDTH, OTHER)),
    ):
        test = run.mean(1, variance=spread, error=0.15, at_most=0.25)
        found = run.once(_logits, together, law, test.draws)
        findings.append(test(found**2 / number(truth), expected=number(told / truth)))
    return all_of(findings)


def _perceptron(run: Run, init: Initialiser, bias: bool, draws: int) -> Array:
    """The mean square of an entry of the output, at real tokens whose square norm is their width: (draws,)."""
    layers = [Dense("first", WIDTH, HIDDEN, init), Dense("last", HIDDEN, WIDTH, init)]
    parameters: Parameters = {}
    rng, x = run.rng("perceptron"), _scaled(run, "perceptron", draws, WIDTH)
    if bias:
        layers = [Dense(one.name, one.fan_in, one.fan_out, init, 0.0) for one in layers]
    for one in layers:
        parameters |= one.draw(rng, draws)
        if bias:  # of the law and the variance of the weights of one input
            parameters[one.bias] = init.draw(rng, draws, one.fan_in, one.fan_out)[:, :1]
    y = Sequential((layers[0], RELU, layers[1])).forward(parameters, x)[0]
    return np.asarray(np.square(y).mean(axis=(1, 2)))


Square = Callable[[int, int], sp.Expr]


def _default(width: int, hidden: int) -> sp.Expr:
    return theory.perceptron_square(width, hidden, width)


@claim(
    "V13",
    paper=VASWANI,
    where="section 3.3, with the initialisers of torch.nn.Linear and of Glorot & Bengio 2010; derived here",
    states=r"\frac{\mathbb E\|y\|^2}{\|x\|^2}=\frac{2hd}{(d+h)^2}\ \bigl(h=4d:\tfrac8{25}\bigr),\qquad "
    r"\text{Linear: }\frac{\mathbb E\|y\|^2}d=\frac1{18}\Bigl(1+\frac1d\Bigr)+\frac1{3h}",
    derivation=[theory.perceptron, theory.glorot_gain, theory.default_square],
    mutants=[
        mutant(
            "Glorot keeps the size",
            "It keeps that of a square matrix without ReLU; here two unequal fans and ReLU each take some.",
            gain=lambda width, hidden: sp.S.One,
        ),
        mutant(
            "ReLU forgotten",
            "Half of the units are off.",
            gain=lambda width, hidden: 2 * theory.perceptron_gain(width, hidden),
        ),
        mutant(
            "biases of Linear are 0",
            "They are drawn like the weights, and at small widths add a good part.",
            default=lambda width, hidden: sp.Rational(1, 18),
        ),
        mutant(
            "Linear has He's variance",
            "Its bound sqrt 6 / sqrt(1 + 5) / sqrt n gives the variance 1/(3n), a sixth of 2/n.",
            default=lambda width, hidden: sp.S.One,
        ),
    ],
)
def perceptrons_start_small(run: Run, *, gain: Square = theory.perceptron_gain, default: Square = _default) -> Finding:
    """A perceptron passes 8/25 of the mean square on with Glorot's weights, and less than a tenth as PyTorch's Linear.

    8/25 at a hidden width of 4d and without biases; with PyTorch's layers (1/18)(1 + 1/d) + 1/(3h) of tokens with
    ||x||^2 = d, less than a tenth for h = 4d and d of 4 and more. Averages over weights and biases; exact at every
    width. The variance of the test is a bound from Gaussian entries.
    """
    run, findings = run.share(2), []
    for init, bias, told, truth in (
        (BOUNDED, False, gain(WIDTH, HIDDEN), theory.perceptron_gain(WIDTH, HIDDEN)),
        (torch_default, True, default(WIDTH, HIDDEN), _default(WIDTH, HIDDEN)),
    ):
        # Of Gaussian entries: the mean square of the hidden units varies by 5 / HIDDEN, that of the output, given them,
        # by 2 / WIDTH. Uniform entries have a smaller fourth moment.
        test = run.mean(1, variance=(1 + 2 / WIDTH) * (1 + 5 / HIDDEN) - 1, error=0.1, at_most=0.15)
        found = run.once(_perceptron, init, bias, test.draws)
        findings.append(test(found / number(truth), expected=number(told / truth)))
    return all_of(findings)
