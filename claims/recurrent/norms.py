"""Recurrent nets: what bounds a gradient over some steps, and what rules it in the limit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity, inequality
from simulations import Dense, Network, Residual, Sequential, Tanh, lecun
from simulations.layers.activations import Sigmoid
from simulations.layers.dense import Layer
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import norm
from simulations.weights.orthogonal import haar
from theory.domain import number
from theory.recurrent import norms as recurrent_norms

PASCANU = "Pascanu, Mikolov & Bengio 2013 (recurrent nets)"
DRAWS, UNITS, STEPS = 200, 4, 5
ACTIVATIONS: dict[str, Layer] = {"tanh": Tanh(), "sigmoid": Sigmoid()}
RESTS = {"tanh": 0.0, "sigmoid": 0.5}
"""The state of a unit whose input is 0."""
SHEARS = ((0.9, 5.0), (0.1, 5.0))
"""Diagonal and corner of two non-normal matrices: powers of one grow before they decay, those of the other vanish."""
PowersOf = Callable[[Array, int], Array]


def largest_stretch(weights: Array) -> Array:
    """Return the largest singular value of each matrix."""
    return np.asarray(np.linalg.norm(weights, 2, axis=(-2, -1)), np.float64)


def _spectral_radius(weights: Array) -> Array:
    return np.asarray(np.abs(np.linalg.eigvals(weights)).max(axis=-1), np.float64)


def _jacobians(activation: str, weights: Array, bias: Array, start: Array, shortcut: bool, steps: int = STEPS) -> Array:
    """Jacobians over `steps` steps h' = phi(h W + b) from a state, (draws, 1, units), by passing back every axis."""
    units = weights.shape[-1]
    step = Sequential((Dense("step", units, units, bias_deviation=1.0), ACTIVATIONS[activation]))
    network = Network((Residual(step) if shortcut else step,) * steps)
    x = np.repeat(start, units, axis=1)
    run = network.run({"step.weight": weights, "step.bias": bias}, x)
    return run.backward(np.broadcast_to(np.eye(units), x.shape).copy())[0]


def _at_rest(run: Run, activation: str, weights: Array, shortcut: bool) -> Array:
    """Jacobians with biases such that the input of every unit is 0 at every step."""
    start = np.full((len(weights), 1, weights.shape[-1]), RESTS[activation])
    return _jacobians(activation, weights, -start @ weights, start, shortcut)


def _anywhere(run: Run, activation: str, shortcut: bool) -> tuple[Array, Array]:
    """Weights of several sizes, and Jacobians along the states that follow real rows."""
    rng, rows = run.rng("anywhere", activation), run.inputs.narrowed(UNITS)
    start = rows[rng.integers(len(rows), size=(DRAWS, 1))]
    start = start / norm(start)[..., None]
    weights = rng.uniform(0.2, 1.5, (DRAWS, 1, 1)) * lecun.draw(rng, DRAWS, UNITS, UNITS)
    return weights, _jacobians(activation, weights, rng.standard_normal(start.shape), start, shortcut)


@claim(
    "N1",
    paper=PASCANU,
    where="section 2.1",
    states=r"\Bigl\|\prod_{t=1}^T D_tW\Bigr\|\le(\gamma\,\sigma_{\max}(W))^T,\qquad \gamma_{\tanh}=1,\quad"
    r"\gamma_{\text{sigmoid}}=\tfrac14,\qquad\begin{pmatrix}a&b\\0&a\end{pmatrix}^t_{12}=t\,b\,a^{t-1}",
    derivation=recurrent_norms.DERIVATIONS[:4],
    mutants=[
        mutant(
            "the spectral radius",
            "It rules the limit of many steps; a matrix that is not normal stretches first: [[.9, 5], [0, .9]] 16-fold "
            "in 5 steps.",
            size=_spectral_radius,
        ),
        mutant(
            "1/2 for the sigmoid",
            "Its value at 0; its slope there is 1/4.",
            slope=lambda activation: sp.S.One if activation == "tanh" else sp.S.Half,
        ),
        mutant(
            "the steps add up",
            "T gamma sigma_max: factors multiply.",
            bound=lambda slope, size, steps: steps * slope * size,
        ),
        mutant(
            "large singular values explode",
            "b^t for the corner: sigma_max > 1 / gamma is necessary for an explosion, not sufficient; [[.1, 5], [0, "
            ".1]] leaves 0.0025 after 5 steps.",
            corner=lambda eigenvalue, entry, steps: sp.sympify(entry) ** steps,
        ),
        mutant(
            "one path",
            "b a^(t - 1): the step at which the corner is taken can be any of t.",
            corner=lambda eigenvalue, entry, steps: recurrent_norms.power_corner(eigenvalue, entry, steps) / steps,
        ),
        mutant("a shortcut", "The simulated step adds its input: its Jacobian is I + D W.", shortcut=True),
    ],
)
def recurrent_gradients_are_bounded_by_singular_values(
    run: Run,
    *,
    slope: Callable[[str], sp.Expr] = recurrent_norms.largest_slope,
    size: Callable[[Array], Array] = largest_stretch,
    bound: Callable[[sp.Expr, sp.Symbol, int], sp.Expr] = recurrent_norms.jacobian_bound,
    corner: Callable[[float, float, int], sp.Expr] = recurrent_norms.power_corner,
    shortcut: bool = False,
) -> Finding:
    """A recurrent gradient grows by at most gamma sigma_max(W) a step; the spectral radius is no bound.

    Nothing is averaged; exact for every draw, with real rows for the first state. The bound is attained by orthogonal
    weights at rest, where slopes are largest. Two non-normal matrices at rest, of tanh, have the powers derived. 5
    steps, 4 units.
    """
    findings, stretch = [], sp.Symbol("s", positive=True)
    loss = 16 * UNITS**1.5 * STEPS * EPS  # each product of a step errs by 2 n^(3/2) eps or less, relative to the bound
    for activation in ACTIVATIONS:
        most = sp.lambdify(stretch, bound(slope(activation), stretch, STEPS))
        weights, jacobians = run.once(_anywhere, activation, shortcut)
        told = most(size(weights))
        findings.append(inequality(told, largest_stretch(jacobians), rounding=loss * told, says=True))
        orthogonal = 2 * haar(run.rng("at rest", activation), (DRAWS, UNITS, UNITS)) / UNITS**0.5
        attained = largest_stretch(_at_rest(run, activation, orthogonal, shortcut))
        findings.append(identity(attained, most(largest_stretch(orthogonal)), rounding=loss * attained, chance=False))
    shears = np.array([[[a, b], [0, a]] for a, b in SHEARS])
    powers = _at_rest(run, "tanh", shears, shortcut)
    most = sp.lambdify(stretch, bound(slope("tanh"), stretch, STEPS))
    told = most(size(shears))
    rounding = loss * largest_stretch(shears) ** STEPS
    findings.append(inequality(told, largest_stretch(powers), rounding=rounding, says=True, chance=False))
    corners = np.array([number(corner(a, b, STEPS)) for a, b in SHEARS])
    # Axes are passed back in rows, so the Jacobian comes transposed: its corner is below the diagonal.
    findings.append(identity(powers[:, 1, 0], corners, rounding=rounding, chance=False))
    return all_of(findings)


SPANS = (1, 3, 10, 30, 100, 300)


def _matrices(run: Run) -> tuple[Array, Array, Array, Array]:
    """Triangular 2 x 2 matrices, by Schur all there are up to rotations: matrix, both eigenvalues, and corner.

    Every other matrix has one eigenvalue twice, and no second eigenvector.
    """
    rng = run.rng("triangular")
    radius, share, angles = rng.uniform(0.8, 1.1, DRAWS), rng.uniform(0.2, 0.9, DRAWS), rng.uniform(0, 7, (2, DRAWS))
    first = radius * np.exp(1j * angles[0])
    second = np.where(np.arange(DRAWS) % 2, first, share * radius * np.exp(1j * angles[1]))
    departure = rng.uniform(1, 4, DRAWS)
    matrices = np.zeros((DRAWS, 2, 2), complex)
    matrices[:, 0, 0], matrices[:, 1, 1], matrices[:, 0, 1] = first, second, departure
    return matrices, np.abs(first), np.abs(second), departure


def _powers(matrices: Array, steps: int) -> Array:
    """Gradients through `steps` steps h' = tanh(h W) at rest, of the real matrices of twice the size."""
    start = np.zeros((len(matrices), 1, 4))
    real = np.block([[matrices.real, matrices.imag], [-matrices.imag, matrices.real]])
    return _jacobians("tanh", real, start, start, False, steps)


def _there_and_back(matrices: Array, steps: int) -> Array:
    """Multiply a matrix and its conjugate transpose in turn."""
    pair = np.linalg.matrix_power(matrices.conj().mT @ matrices, steps // 2)
    return matrices @ pair if steps % 2 else pair


@claim(
    "N2",
    paper=PASCANU,
    where="section 2.1; Gelfand's formula, with the departure from normality of Henrici 1962",
    states=r"\rho\le\|W^t\|^{1/t}\le\rho\,\Bigl(1+\frac{t\,\nu}\rho\Bigr)^{1/t}\to\rho",
    derivation=[recurrent_norms.departure_bound, recurrent_norms.gelfand],
    mutants=[
        mutant(
            "the largest singular value",
            "It bounds every power, but powers do not keep to it.",
            limit=lambda matrices, first, second: largest_stretch(matrices),
        ),
        mutant(
            "the smaller eigenvalue", "The larger one wins in the end.", limit=lambda matrices, first, second: second
        ),
        mutant(
            "the radius bounds every power",
            "rho^t: right for normal matrices, nu = 0.",
            excess=lambda radius, departure, steps: sp.S.Zero,
        ),
        mutant(
            "an excess of order 1 / t",
            "One step's excess shared among all: where eigenvalues meet, the corner grows with t.",
            excess=lambda radius, departure, steps: recurrent_norms.rate_excess(radius, departure, 1) / steps,
        ),
        mutant(
            "there and back",
            "The simulated product is W W* W ..., as if eigenvalues were singular values: its rate is log sigma_max.",
            powers=_there_and_back,
        ),
    ],
)
def the_spectral_radius_rules_the_limit_only(
    run: Run,
    *,
    limit: Callable[[Array, Array, Array], Array] = lambda matrices, first, second: first,
    excess: Callable[[sp.Symbol, sp.Symbol, int], sp.Expr] = recurrent_norms.rate_excess,
    powers: PowersOf = _powers,
) -> Finding:
    """At rest gradients through time grow at the rate of the matrix's spectral radius in the end, from above.

    Nothing is averaged; exact for every complex 2 x 2 matrix drawn. Gradients through 1 to 300 steps of a recurrent
    tanh net at rest: their rate lies between log rho and a derived excess of order log(t) / t. Half of the matrices
    have no basis of eigenvectors; there the excess is met up to log(2) / t.
    """
    matrices, first, second, departure = run.once(_matrices)
    radius, nu = sp.symbols("rho nu", positive=True)
    told, findings = limit(matrices, first, second), []
    for steps in SPANS:
        growth = np.exp(np.log(largest_stretch(powers(matrices, steps))) / steps)
        most = told * np.exp(sp.lambdify([radius, nu], excess(radius, nu, steps))(first, departure))
        # Each of t products errs by some 8 eps of rho + nu times the bound, at most 1 + t nu / rho times the norm.
        rounding = 8 * EPS * growth * (1 + departure / first) * (1 + steps * departure / first)
        findings.append(inequality(growth, told, rounding=rounding))
        findings.append(inequality(most, growth, rounding=rounding))
        # The corner alone is t nu / rho, the diagonal 1: where eigenvalues meet the bound is at most twice the norm.
        met = np.arange(DRAWS) % 2 == 1
        findings.append(inequality((growth * 2 ** (1 / steps))[met], most[met], rounding=rounding[met]))
    return all_of(findings)
