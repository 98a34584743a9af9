"""Gradients as products of Jacobians: their order, and what bounds their size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity, inequality
from simulations import LeakyReLU, lecun, mlp
from simulations.layers.dense import Parameters
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from theory.spectra import chains

D2L = "Zhang, Lipton, Li & Smola 2023 (Dive into Deep Learning)"
DRAWS, WIDTH = 200, 2
RELU = LeakyReLU()
Entry = Callable[..., sp.Expr]


def _backward(run: Run, slope: float) -> tuple[Parameters, Array, Array, Array, Array]:
    """Weights, input, cotangent and the middle layer's gradient of a three-layer net; the whole net's Jacobian."""
    network = mlp([WIDTH] * 4, init=lecun, activation=None if slope == 1 else RELU)
    rows, rng = run.inputs.narrowed(WIDTH), run.rng("chain")
    x = rows[rng.integers(len(rows), size=DRAWS)][:, None, :]
    v, parameters = rng.standard_normal(x.shape), network.draw(rng, DRAWS)
    passed = network.run(parameters, x)
    sides = [passed.backward(np.broadcast_to(side, x.shape))[0][:, 0] for side in np.eye(WIDTH)]
    return parameters, x, v, passed.gradients(v)["layer1.weight"], np.stack(sides, axis=2)


def _transposed(row: int, column: int, a: list[sp.Expr], b: list[sp.Expr], *ends: list[sp.Expr]) -> sp.Expr:
    return chains.gradient_entry(column, row, a, b, *ends)


def _reversed(row: int, column: int, a: list[sp.Expr], b: list[sp.Expr], *ends: list[sp.Expr]) -> sp.Expr:
    return chains.gradient_entry(row, column, b, a, *ends)


def _untransposed(row: int, column: int, a: list[sp.Expr], b: list[sp.Expr], *ends: list[sp.Expr]) -> sp.Expr:
    return chains.gradient_entry(row, column, a, [b[0], b[2], b[1], b[3]], *ends)


def _largest_singular_value(weights: Array) -> Array:
    largest: Array = np.linalg.norm(weights, 2, axis=(1, 2))
    return largest


def _spectral_radius(weights: Array) -> Array:
    radius: Array = np.abs(np.linalg.eigvals(weights)).max(axis=1)
    return radius


@claim(
    "S3",
    paper=D2L,
    where="section 5.4, vanishing and exploding gradients",
    states=r"\frac{\partial\,xAWBv}{\partial W}=(xA)^{\mathsf T}(Bv)^{\mathsf T},\qquad "
    r"\|W_1\cdots W_L\|\le\prod_l\sigma_{\max}(W_l)",
    derivation=chains.DERIVATIONS,
    mutants=[
        mutant("the gradient's transpose", "Rows of W meet the input, columns the cotangent.", entry=_transposed),
        mutant("the other order", "Layers below W carry the input, layers above it the cotangent.", entry=_reversed),
        mutant("a transpose left out", "The cotangent passes back through transposed weights.", entry=_untransposed),
        mutant(
            "eigenvalues",
            "The largest eigenvalues do not bound a product: not of one non-normal matrix, and not of several.",
            size=_spectral_radius,
        ),
        mutant("with a rectifier", "The chain is linear; the simulated one is not, and masks its units.", slope=0.0),
    ],
)
def gradients_are_ordered_products(
    run: Run,
    *,
    entry: Entry = chains.gradient_entry,
    size: Callable[[Array], Array] = _largest_singular_value,
    slope: float = 1.0,
) -> Finding:
    """The gradient in a layer is the input carried up to it times the cotangent carried down; singular values bound it.

    Nothing is averaged; exact for every draw of weights, real input and cotangent. Three linear layers of width 2.
    """
    parameters, x, v, gradient, jacobian = run.once(_backward, slope)
    below, above = (parameters[f"layer{i}.weight"].reshape(DRAWS, -1).T for i in (0, 2))
    ends = (x[:, 0].T, v[:, 0].T)
    names = [sp.symbols(f"{name}:{count}") for name, count in (("a", 4), ("b", 4), ("x", 2), ("v", 2))]
    bound = 16 * EPS * np.abs(x).sum((1, 2)) * np.abs(v).sum((1, 2))  # at most 8 roundings on every path
    bound = bound * np.abs(below).sum(axis=0) * np.abs(above).sum(axis=0)
    findings = []
    for row in range(WIDTH):
        for column in range(WIDTH):
            claimed = sp.lambdify(names, entry(row, column, *map(list, names)))(below, above, *ends)
            findings.append(identity(gradient[:, row, column], claimed, rounding=bound))
    sizes = np.prod([size(parameters[f"layer{i}.weight"]) for i in range(3)], axis=0)
    findings.append(inequality(sizes, np.linalg.norm(jacobian, 2, axis=(1, 2)), rounding=100 * EPS * sizes))
    return all_of(findings)
