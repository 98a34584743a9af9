"""Looks-linear initialisation, the cure for shattered gradients: a deep net that starts out linear."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from claims.shattering.masks import BALDUZZI
from evidence import Finding, all_of, identity
from simulations.layers.looks_linear import looks_linear
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import norm
from theory.shattering import looks_linear as shattering_looks_linear

DRAWS, WIDTH, LAYERS = 100, 6, 20


def _pass(run: Run, factor: float) -> tuple[Array, list[Array], Array, Array, Array]:
    """Two real rows a draw, the upper halves of the weights, the outputs, a cotangent, and the two gradients."""
    rows, rng = run.inputs.narrowed(WIDTH), run.rng("looks linear")
    rows = rows / norm(rows)[:, None]
    x = rows[rng.integers(len(rows), size=(DRAWS, 2))] * rng.choice([-1.0, 1.0], size=(DRAWS, 2, 1))
    network = looks_linear(WIDTH, LAYERS, factor)
    parameters = network.draw(rng, DRAWS)
    passed = network.run(parameters, x)
    v = np.repeat(rng.standard_normal((DRAWS, 1, WIDTH)), 2, axis=1)
    halves = [parameters[layer.weight][:, :WIDTH] for layer in network.weights()]
    return x, halves, passed.output, v, passed.backward(v)[0]


@claim(
    "G5",
    paper=BALDUZZI,
    where="the looks-linear initialisation",
    states=r"[W,-W]\begin{pmatrix}\operatorname{relu}(x)\\\operatorname{relu}(-x)\end{pmatrix}=Wx,\qquad "
    r"W_l^{\mathsf T}W_l=I\ \Rightarrow\ \|g\|=\|v\|,\quad g(x)=g(x')",
    derivation=shattering_looks_linear.DERIVATIONS,
    mutants=[
        mutant(
            "[W, W]",
            "Equal halves add up to W |x|; the second half must have the opposite sign.",
            pair=lambda w, x: w * sp.Abs(x),
        ),
        mutant(
            "half of it",
            "One of the two halves is active, as with ReLU; but the other sign is the other half's.",
            pair=lambda w, x: w * x / 2,
        ),
        mutant(
            "the positive part",
            "What a plain ReLU layer passes on: the halves of negative inputs lost.",
            pair=lambda w, x: w * (x + sp.Abs(x)) / 2,
        ),
        mutant("equal halves simulated", "The simulated weights are [W, W].", factor=1.0),
        mutant(
            "no second half",
            "The simulated weights are [W, 0]: an orthogonal ReLU net, which is not linear.",
            factor=0.0,
        ),
    ],
)
def looks_linear_is_linear(
    run: Run,
    *,
    pair: Callable[[sp.Expr, sp.Expr], sp.Expr] = shattering_looks_linear.mirrored_pair,
    factor: float = -1.0,
) -> Finding:
    """With concatenated rectifiers and weights [W, -W] a deep net is linear: all inputs have the same gradient.

    Nothing is averaged; exact for every draw of orthogonal weights and all pairs of real inputs (of either sign): the
    outputs are those of the linear net, gradients have the norm of the cotangent and are equal at both inputs. 21
    layers of width 6.
    """
    x, halves, output, v, gradients = run.once(_pass, factor)
    weight, entry = sp.symbols("w x", real=True)
    pairs = sp.lambdify([weight, entry], pair(weight, entry))
    told = x @ halves[0]
    for half in halves[1:]:
        told = pairs(half[:, None], told[..., None]).sum(axis=2)
    # A product of 2 n terms errs by at most 2 n eps times a sum of sizes, below 2 n^(3/2) eps in the norm, on either
    # side; orthogonal matrices from a QR decomposition are so to within about as much; norms are kept otherwise.
    rounding = 8 * WIDTH**1.5 * (LAYERS + 1) * EPS
    return all_of(
        [
            identity(output, told, rounding=rounding),
            identity(norm(gradients) / norm(v), np.ones((DRAWS, 2)), rounding=rounding),
            identity(
                gradients[:, 0] / norm(v[:, 0])[:, None], gradients[:, 1] / norm(v[:, 0])[:, None], rounding=rounding
            ),
        ]
    )
