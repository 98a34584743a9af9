"""Which gradients of attention are in balance, and which are 0, for every draw."""

from __future__ import annotations

import numpy as np

from claims.attention.gradients import ATTENTION, DRAWS, HEADS, POSITIONS, WIDTH, Passed, passed
from claims.attention.heads import VASWANI, unlike
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations.attention.layer import Attention
from simulations.layers.dense import Gradients
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from theory.attention import gradients as theory

HEAD = WIDTH // HEADS


def _heads(of: Array) -> Array:
    """Part a matrix (draws, width, heads * head) by heads: (draws, heads, width, head)."""
    return np.asarray(of.reshape(DRAWS, WIDTH, HEADS, HEAD).swapaxes(1, 2))


def _products(found: Passed, name: str, by_head: bool) -> tuple[list[Array], list[Array]]:
    """W_Q^T dW_Q and W_K^T dW_K, then W_V^T dW_V and dW_O W_O^T: of each head or of all as one."""
    parted = _heads if by_head else (lambda of: of[:, None])
    names = (f"{name}.{part}.weight" for part in ("query", "key", "value"))
    query, key, value = (parted(found.parameters[part]).mT @ parted(found.slopes[part]) for part in names)
    last = f"{name}.output.weight"
    weights, slopes = (parted(of[last].mT) for of in (found.parameters, found.slopes))
    return [query, value], [key, slopes.mT @ weights]


@claim(
    "Q17",
    paper=VASWANI,
    where="section 3.2.2; derived here",
    states=r"W_Q^{\mathsf T}\nabla_{W_Q}\ell=\bigl(W_K^{\mathsf T}\nabla_{W_K}\ell\bigr)^{\mathsf T},\qquad "
    r"W_V^{\mathsf T}\nabla_{W_V}\ell=\nabla_{W_O}\ell\;W_O^{\mathsf T}",
    derivation=[theory.queries_and_keys, theory.values_and_outputs],
    mutants=[
        mutant("without the transpose", "Both are d_k x d_k, and neither is symmetric.", transpose=False),
        mutant("heads as one", "Queries of one head never meet keys of another.", by_head=False),
        mutant("biases", "The simulated queries and keys have biases: W_Q^T dW_Q is then not all of it.", bias=1.0),
    ],
)
def heads_stay_in_balance(
    run: Run, *, transpose: bool = True, by_head: bool = True, bias: float | None = None
) -> Finding:
    """In each head W_Q^T dW_Q is the transpose of W_K^T dW_K, and W_V^T dW_V is dW_O W_O^T.

    No average: every draw and head, at every width, for any loss. So gradient flow keeps W_Q^T W_Q - W_K^T W_K.
    """
    found, findings = run.once(passed, bias), []
    for name in ATTENTION:
        (query, value), (key, output) = _products(found, name, by_head)
        rounding = found.rounding[:, None, None, None]
        findings.append(identity(query, key.mT if transpose else key, rounding=rounding))
        findings.append(identity(value, output, rounding=rounding))
    return all_of(findings)


Silent = dict[str, tuple[str, ...]]
SILENT: Silent = {
    "biases": ("key.bias",),
    "equal tokens": ("query.weight", "key.weight", "query.bias", "key.bias"),
    "zero queries": ("key.weight", "key.bias"),
    "zero outputs": ("query.weight", "key.weight", "value.weight", "query.bias", "key.bias", "value.bias"),
}
"""What of one layer of attention with biases has no gradient."""


def _norms(run: Run, case: str) -> dict[str, Array]:
    """The norms (draws,) of the gradients of one layer of attention, for a random cotangent, over their sum."""
    layer = Attention("attention", WIDTH, HEADS, POSITIONS, bias_deviation=1.0)
    parameters, x = layer.draw(run.rng("zeros"), DRAWS), unlike(run, "zeros", DRAWS, POSITIONS, WIDTH)
    query, *_, output = layer.parts
    if case == "equal tokens":
        x = np.broadcast_to(x[:, :1], x.shape)
    if case == "zero queries":
        parameters |= {query.weight: np.zeros((DRAWS, WIDTH, WIDTH)), query.bias: np.zeros((DRAWS, 1, WIDTH))}
    if case == "zero outputs":
        parameters |= {output.weight: np.zeros((DRAWS, WIDTH, WIDTH))}
    into: Gradients = {}
    layer.forward(parameters, x)[1](run.rng("cotangent").standard_normal(x.shape), into)
    norms = {name: np.sqrt(gradient.square_norm) for name, gradient in into.items()}
    whole = sum(norms.values(), np.zeros(DRAWS))
    return {name.removeprefix("attention."): norm / whole for name, norm in norms.items()}


@claim(
    "Q18",
    paper=VASWANI,
    where="section 3.2; derived here",
    states=r"\nabla_{b_K}\ell=0;\quad x_1=\dots=x_T\Rightarrow\nabla_{W_Q}\ell=\nabla_{W_K}\ell=0;\quad "
    r"W_Q=0\Rightarrow\nabla_{W_K}\ell=0;\quad W_O=0\Rightarrow\nabla_{W_Q,W_K,W_V}\ell=0",
    derivation=[theory.key_bias, theory.equal_tokens],
    mutants=[
        mutant(
            "neither bias",
            "A bias of the queries shifts their logits by b^T k_j, which differs from key to key.",
            silent={**SILENT, "biases": ("key.bias", "query.bias")},
        ),
        mutant(
            "zero queries stop both",
            "W_Q = 0 has a gradient, as keys differ; it is W_K that has none.",
            silent={**SILENT, "zero queries": ("query.weight", "query.bias", "key.weight", "key.bias")},
        ),
        mutant(
            "zero outputs stop the scores alone",
            "W_O = 0 stops the values too: nothing behind them hears of them.",
            silent={**SILENT, "zero outputs": ("query.weight", "key.weight", "query.bias", "key.bias")},
        ),
        mutant(
            "equal tokens stop all",
            "The value of the one token is learnt; only where to look is not.",
            silent={**SILENT, "equal tokens": (*SILENT["equal tokens"], "value.weight", "value.bias")},
        ),
    ],
)
def some_weights_of_attention_hear_nothing(run: Run, *, silent: Silent = SILENT) -> Finding:
    """A bias of the keys has no gradient; at equal tokens W_Q and W_K have none, at W_Q = 0 W_K, at W_O = 0 all three.

    No average: every draw, at every width; a random cotangent of the output. What is not named has a gradient.
    """
    findings = []
    for case, names in silent.items():
        norms = run.once(_norms, case)
        heard = np.stack([norm > 1e4 * EPS for norm in norms.values()], axis=1).astype(float)
        told = np.array([float(name not in names) for name in norms])
        findings.append(identity(heard, told[None], rounding=0.0))
    return all_of(findings)
