"""Singular values of products: orthogonal ones are isometries, Gaussian ones spread, rectified ones are cut off."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations import Initialiser, LeakyReLU, he, lecun, mlp
from simulations.experiments.frames import multiplied
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from simulations.weights.orthogonal import haar
from theory.domain import number
from theory.spectra import isometry, lyapunov_spectrum, matrix_products

SAXE = "Saxe, McClelland & Ganguli 2014"
ORTHOGONAL = lecun.with_law(haar)
WIDTH, MATRICES, DEEP = 6, 2, 20
DRAWS = 200
"""Draws of what must hold for each of them."""


def _singular_values(run: Run, init: Initialiser) -> Array:
    factors = init.draw(run.rng("isometries"), DRAWS * DEEP, WIDTH, WIDTH).reshape(DRAWS, DEEP, WIDTH, WIDTH)
    return np.asarray(np.linalg.svd(multiplied(factors), compute_uv=False), np.float64)


def _squares_and_volumes(run: Run, init: Initialiser, draws: int) -> tuple[Array, Array]:
    """||J||_F^2 / n and log |det J| of products of matrices."""
    factors = init.draw(run.rng("products"), draws * MATRICES, WIDTH, WIDTH).reshape(draws, MATRICES, WIDTH, WIDTH)
    product = multiplied(factors)
    squares = np.einsum("dij,dij->d", product, product) / WIDTH
    return squares, np.linalg.slogdet(product)[1]


def _volume(width: int) -> sp.Expr:
    return sum((lyapunov_spectrum.lyapunov(width, index + 1) for index in range(width)), sp.S.Zero)


@claim(
    "O1",
    paper=SAXE,
    where="dynamical isometry",
    states=r"W_l^{\mathsf T}W_l=I\Rightarrow\sigma_i(W_L\cdots W_1)=1;\qquad W_l\sim N(0,\tfrac1n):\ "
    r"\mathbb E\|J\|_F^2=n,\quad\mathbb E\log|\det J|=L\sum_i\lambda_i<0",
    derivation=[*isometry.DERIVATIONS[:2], *lyapunov_spectrum.DERIVATIONS, matrix_products.mean_square],
    mutants=[
        mutant(
            "an isometry in the mean is one",
            "log |det J| = 0 for Gaussian matrices too: they keep the mean square, and shrink every volume.",
            volume=lambda width: sp.S.Zero,
        ),
        mutant(
            "the top exponent for all",
            "The volume as if all directions shrank like a typical vector.",
            volume=lambda width: width * lyapunov_spectrum.lyapunov(width, 1),
        ),
        mutant(
            "the mean square is typical",
            "exp(2 L lambda_1), the square of a typical vector; rare large products keep the mean at 1.",
            mean_square=lambda width, layers: sp.exp(2 * layers * lyapunov_spectrum.lyapunov(width, 1)),
        ),
        mutant("Gaussian matrices", "The simulated isometries are Gaussian.", orthogonal=lecun),
        mutant("gain sqrt 2", "He's factor without a rectifier: lengths grow by sqrt 2.", orthogonal=he.with_law(haar)),
        mutant("orthogonal for Gaussian", "The simulated Gaussian products are orthogonal.", gaussian=ORTHOGONAL),
    ],
)
def orthogonal_products_are_isometries(
    run: Run,
    *,
    volume: Callable[[int], sp.Expr] = _volume,
    mean_square: Callable[[int, int], sp.Expr] = lambda width, layers: sp.S.One,
    orthogonal: Initialiser = ORTHOGONAL,
    gaussian: Initialiser = lecun,
) -> Finding:
    """All singular values of an orthogonal product are 1; Gaussian matrices keep their mean square alone.

    For every draw of 20 Haar-distributed matrices of size 6; averages over two Gaussian ones of variance 1/n. Exact
    at any size; the variance of ||J||_F^2 is bounded by that of a column, which is exact.
    """
    run = run.share(2)
    # A product of 2 n terms errs by below 2 n^(3/2) eps in the norm; the factors are orthogonal to within as much.
    values = run.once(_singular_values, orthogonal)
    findings = [identity(values, np.ones_like(values), rounding=8 * WIDTH**1.5 * (DEEP + 1) * EPS)]
    truth = MATRICES * number(_volume(WIDTH))
    spread = MATRICES * sum(number(lyapunov_spectrum.log_variance(WIDTH, index + 1)) for index in range(WIDTH))
    square = run.mean(1, variance=isometry.column_variance(WIDTH, MATRICES), error=0.06)
    log_volume = run.mean(truth, variance=spread, error=0.06)
    squares, volumes = run.once(_squares_and_volumes, gaussian, max(square.draws, log_volume.draws))
    findings.append(square(squares, expected=mean_square(WIDTH, MATRICES)))
    findings.append(log_volume(volumes, expected=MATRICES * number(volume(WIDTH))))
    return all_of(findings)


def _rectified(run: Run, init: Initialiser, slope: float, draws: int) -> tuple[Array, NDArray[np.bool_]]:
    """Singular values of the Jacobian of one ReLU layer at real rows, and which units are active, (draws, units)."""
    rng, rows, layer = (
        run.rng("layer"),
        run.inputs.narrowed(WIDTH),
        mlp([WIDTH] * 2, init=init, activation=LeakyReLU(slope)),
    )
    x = np.repeat(rows[rng.integers(len(rows), size=(draws, 1))], WIDTH, axis=1)
    passed = layer.run(layer.draw(rng, draws), x)
    jacobian = passed.backward(np.broadcast_to(np.eye(WIDTH), x.shape).copy())[0]
    return np.asarray(np.linalg.svd(jacobian, compute_uv=False), np.float64), passed.output[:, 0] > 0


@claim(
    "O4",
    paper=SAXE,
    where="orthogonal weights; with ReLU derived here",
    states=r"\sigma_i(D\sqrt2Q)\in\{0,\sqrt2\},\qquad P(\sigma_i=\sqrt2)=\tfrac12,\qquad\mathbb E\operatorname{tr}"
    r"J^{\mathsf T}J=n",
    derivation=isometry.DERIVATIONS[2:],
    mutants=[
        mutant(
            "an isometry in the mean is one",
            "The mean of the squares, 1, taken for each of them.",
            square=lambda active: sp.S.One,
        ),
        mutant("the gain forgotten", "1 for active units: D Q has no factor sqrt 2.", square=sp.sympify),
        mutant(
            "the gain in every direction",
            "2 for inactive units too: sqrt 2 Q without its rectifier.",
            square=lambda active: sp.Integer(2),
        ),
        mutant(
            "a quarter is active",
            "The share of units active at two orthogonal inputs; at one it is a half.",
            share=sp.Rational(1, 4),
        ),
        mutant("Gaussian weights", "The simulated rows are not orthogonal: every singular value is another.", init=he),
        mutant("a leaky rectifier", "The simulated rectifier lets a tenth of the inactive units through.", slope=0.1),
    ],
)
def relu_is_no_isometry(
    run: Run,
    *,
    square: Callable[[int], sp.Expr] = isometry.masked_square,
    share: sp.Expr = sp.S.Half,
    init: Initialiser = he.with_law(haar),  # noqa: B008
    slope: float = 0.0,
) -> Finding:
    """A ReLU layer with orthogonal weights has singular values 0 and sqrt 2, half each: no gain makes it an isometry.

    For every draw of Haar-distributed weights of size 6 at a real input the squares are 2 for active units and 0 for
    others; averaged over weights, half of the units are active, independently. Exact at any size.
    """
    count = run.count(0.5, error=0.05)
    values, active = run.once(_rectified, init, slope, -(-count.trials // WIDTH))
    told = np.where(np.sort(active, axis=1)[:, ::-1], number(square(1)), number(square(0)))
    # n^(3/2) eps in the norm for the factor, twice the value in the square, singular values below 2.
    rounding = 32 * WIDTH**1.5 * EPS
    return all_of(
        [
            identity(values**2 - 1, told - 1, rounding=rounding),
            count(int(active.sum()), active.size, expected=share),
        ]
    )
