r"""The tangent kernel of a residual net whose last branch layers are 0, and the largest rate of gradient descent there.

L blocks x + W2 relu(W1 x) of width n and hidden width h, W1 of variance 2 a^2 / n, W2 = 0, a readout V that is not 0;
the kernel is that of the branches' weights. Exact at any width; averages are over W1 at a fixed input.

- Between outputs o, p and inputs i, j the kernel is (V V^T)_op G_ij, G the Gram matrix of the L h hidden units of all
  blocks, which all see x_0: that of one hidden layer of L h units (`kernel`). Its largest eigenvalue is the product of
  those of V V^T and of G (`eigenvalue`).
- Near a minimum of the squared loss steps shrink what is left if and only if eta < 2 / lambda (`edge`).
- With one output and one input lambda = (2 a^2 / n) T ||v||^2 ||x||^2, T chi-square with K degrees, K ~ Bin(L h, 1/2):
  of mean a^2 L h / n (`one_input`) and relative variance 5 / (L h) (`spread`). Fixup's a^2 = 1/L leaves h / n at any
  depth (`fixup`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, positive_integer
from theory.expectation import active_moments, averaged, chi_square_moments
from theory.rules import solving, substituting
from theory.symbols import ACTIVE, BLOCKS, RATE, H, N
from theory.written_out import WrittenOut, at_sizes

SCALE = sp.Symbol("a", nonnegative=True)
KERNEL, OUTPUTS, GRAM = sp.symbols(r"K_{op}(i\,j) (VV^T)_{op} G_{ij}", real=True)
CURVATURE = sp.Symbol("lambda", positive=True)
CHI = sp.Symbol("T", nonnegative=True)
READOUT_EIGENVALUE, GRAM_EIGENVALUE = sp.symbols("alpha gamma", nonnegative=True)
UNITS = BLOCKS * H
"""The hidden units of all blocks together."""


@cache
def kernel() -> Derivation:
    """Derive the kernel of the branches' weights between two outputs and two inputs."""
    return Derivation.begin(
        "Tangent kernel behind zero last layers",
        "Add the products of the slopes of two outputs, each at its input, in all weights of all branches, at W2 = 0.",
        KERNEL,
    ).then(
        "Inner weights have no slope, and every block sees x_0 and is seen by V.",
        OUTPUTS * GRAM,
        at_sizes(_written, (1, 1, 2), (1, 2, 1), (2, 1, 1)),
    )


def _written(blocks: int, width: int, hidden: int) -> WrittenOut:
    """Write out the net at two inputs with their masks, and two outputs."""
    weights, outputs, starts, features = [], [], [], []
    for block in range(blocks):
        first = sp.Matrix(hidden, width, lambda i, j, b=block: sp.Symbol(f"w{b}_{i}{j}", real=True))
        last = sp.Matrix(width, hidden, lambda i, j, b=block: sp.Symbol(f"u{b}_{i}{j}", real=True))
        weights.append((first, last))
    zero = {entry: 0 for _, last in weights for entry in last}
    for sample in "ij":
        readout = sp.Matrix(1, width, lambda _, k, s=sample: sp.Symbol(f"v{s}_{k}", real=True))
        state = sp.Matrix(width, 1, lambda k, _, s=sample: sp.Symbol(f"x{s}_{k}", real=True))
        hiddens, start = [], state
        for block, (first, last) in enumerate(weights):
            masks = sp.diag(*(sp.Symbol(f"d{block}{sample}_{k}", nonnegative=True) for k in range(hidden)))
            hiddens.append(masks * first * start)
            state = state + last * masks * first * state
        outputs.append((readout * state)[0])
        starts.append(readout)
        features.append(sp.Matrix.vstack(*hiddens))
    entries = [entry for pair in weights for matrix in pair for entry in matrix]
    slopes = [[sp.diff(output, entry).subs(zero) for entry in entries] for output in outputs]
    found = sp.Add(*(left * right for left, right in zip(*slopes, strict=True)))
    return WrittenOut({KERNEL: found, OUTPUTS: (starts[0] * starts[1].T)[0], GRAM: features[0].dot(features[1])}, [])


@cache
def eigenvalue() -> Derivation:
    """Derive an eigenvalue of the kernel from one of V V^T and one of G, for two outputs and two inputs."""
    (a, b), (g, k) = sp.symbols("A_11 A_12", real=True), sp.symbols("G_11 G_12", real=True)
    u, w = sp.symbols("u_1:3", positive=True), sp.symbols("w_1:3", positive=True)
    rows = [(a, u[0]), (b, u[1])], [(g, w[0]), (k, w[1])]
    applied = sp.Add(*(one * p * other * q for one, p in rows[0] for other, q in rows[1]))
    return (
        Derivation.begin(
            "Eigenvalue of the kernel",
            "The first entry of the kernel times the products of entries of two vectors, u over outputs and w over "
            "inputs.",
            applied,
        )
        .then("Take the sums apart.", (a * u[0] + b * u[1]) * (g * w[0] + k * w[1]))
        .then(
            "They are eigenvectors, to alpha and gamma; no other eigenvalues are left for products of all of them.",
            READOUT_EIGENVALUE * GRAM_EIGENVALUE * u[0] * w[0],
            substituting({b: (READOUT_EIGENVALUE - a) * u[0] / u[1], k: (GRAM_EIGENVALUE - g) * w[0] / w[1]}),
        )
        .then(
            "Divide by the entry of the vector.",
            READOUT_EIGENVALUE * GRAM_EIGENVALUE,
            substituting({u[0]: sp.S.One, w[0]: sp.S.One}),
        )
    )


@cache
def edge() -> Derivation:
    """Derive the rate at which a step leaves as much of the way to a minimum as there was."""
    return Derivation.begin(
        "Edge of stability",
        "Outputs move by -eta K e, e the way that is left: along an eigenvector by the factor 1 - eta lambda. Ask that "
        "it be -1: the step overshoots by as much as it was short.",
        sp.Eq(1 - RATE * CURVATURE, -1),
    ).then("Solve for the rate.", sp.Eq(RATE, 2 / CURVATURE), solving(RATE))


@cache
def one_input() -> Derivation:
    """Derive the mean of the kernel of one output and one input, in units of ||v||^2 ||x||^2."""
    return (
        Derivation.begin(
            "Kernel of one output and one input",
            "Add the squares of L h hidden units, K of which are active.",
            2 * SCALE**2 / N * CHI,
        )
        .then(
            "Average over the weights given the masks.",
            2 * SCALE**2 / N * ACTIVE,
            averaged({CHI: chi_square_moments(ACTIVE)}),
        )
        .then("Average over the masks.", SCALE**2 * UNITS / N, averaged({ACTIVE: active_moments(UNITS)}))
    )


@cache
def spread() -> Derivation:
    """Derive the relative variance of the kernel of one output and one input."""
    mean = one_input().result
    return (
        Derivation.begin(
            "Spread of the kernel of one output and one input",
            "The second moment over the squared mean.",
            (2 * SCALE**2 / N * CHI / mean) ** 2,
        )
        .then(
            "Average over the weights given the masks.",
            4 / UNITS**2 * ACTIVE * (ACTIVE + 2),
            averaged({CHI: chi_square_moments(ACTIVE)}),
        )
        .then(
            "Average over the masks.",
            1 + 5 / UNITS,
            averaged({ACTIVE: active_moments(UNITS)}),
        )
    )


@cache
def fixup() -> Derivation:
    """Derive the mean kernel at Fixup's scale for two layers a branch."""
    return Derivation.begin("Kernel under Fixup", "The mean kernel.", one_input().result).then(
        "Put in a = 1/sqrt L: the depth cancels.", H / N, substituting({SCALE: 1 / sp.sqrt(BLOCKS)})
    )


def largest_rate(curvature: Value) -> sp.Expr:
    """Return 2 / lambda, below which gradient descent is stable near a minimum of the squared loss.

    Raises
    ------
    ValueError
        If `curvature`, the largest eigenvalue lambda, is not positive.
    """
    return edge().at({CURVATURE: positive("curvature", curvature)})


def curvature(of_readout: Value, of_gram: Value) -> sp.Expr:
    """Return the kernel's largest eigenvalue, given those of V V^T and of the Gram matrix of all hidden units.

    Raises
    ------
    ValueError
        If one is negative.
    """
    known = {
        READOUT_EIGENVALUE: nonnegative("of_readout", of_readout),
        GRAM_EIGENVALUE: nonnegative("of_gram", of_gram),
    }
    return eigenvalue().at(known)


def mean_curvature(blocks: Value, width: Value, hidden: Value, scale: Value) -> sp.Expr:
    """Return E lambda / (||v||^2 ||x||^2) of one output and one input, W1 of variance 2 scale^2 / width.

    Raises
    ------
    ValueError
        If a size is not a positive integer or the scale is negative.
    """
    sizes = {BLOCKS: positive_integer("blocks", blocks), N: positive_integer("width", width)}
    return one_input().at({**sizes, H: positive_integer("hidden", hidden), SCALE: nonnegative("scale", scale)})


def relative_variance(blocks: Value, hidden: Value) -> sp.Expr:
    """Return 5 / (L h), the relative variance of that lambda at any scale; errors as in `mean_curvature`."""
    return spread().at({BLOCKS: positive_integer("blocks", blocks), H: positive_integer("hidden", hidden)}) - 1


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (kernel, eigenvalue, edge, one_input, spread, fixup)
